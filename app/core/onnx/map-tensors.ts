/** A model with some of its tensors replaced, wherever they are; the model given is not changed, and what is not replaced is shared. */
import type { Attribute, FunctionProto, Graph, ModelProto, Node, SparseTensorProto, TensorProto } from './messages.ts';

export type TensorRole = 'initializer' | 'sparse' | 'attribute';

/** Returns the tensor itself where it stays. */
export type TensorMapper = (tensor: TensorProto, role: TensorRole) => Promise<TensorProto>;

export async function mapTensors<M extends ModelProto>(model: M, map: TensorMapper): Promise<M> {
  return replace(model, {
    ...(model.graph && { graph: await mapGraph(model.graph, map) }),
    functions: await each(model.functions, (fn): Promise<FunctionProto> => mapNodes(fn, map)),
    trainingInfo: await each(model.trainingInfo, async (info) =>
      replace(info, {
        ...(info.initialization && { initialization: await mapGraph(info.initialization, map) }),
        ...(info.algorithm && { algorithm: await mapGraph(info.algorithm, map) }),
      }),
    ),
  } as Partial<M>);
}

async function mapGraph(graph: Graph, map: TensorMapper): Promise<Graph> {
  const initializer = await each(graph.initializer, (tensor) => map(tensor, 'initializer'));
  const sparseInitializer = await each(graph.sparseInitializer, (sparse) => mapSparse(sparse, (tensor) => map(tensor, 'sparse')));
  return replace(await mapNodes(graph, map), { initializer, sparseInitializer });
}

async function mapNodes<T extends { node: Node[] }>(body: T, map: TensorMapper): Promise<T> {
  const node = await each(body.node, async (item) => replace(item, { attribute: await each(item.attribute, (attribute) => mapAttribute(attribute, map)) }));
  return replace(body, { node } as Partial<T>);
}

async function mapAttribute(attribute: Attribute, map: TensorMapper): Promise<Attribute> {
  const own = (tensor: TensorProto) => map(tensor, 'attribute');
  return replace(attribute, {
    ...(attribute.t && { t: await own(attribute.t) }),
    ...(attribute.g && { g: await mapGraph(attribute.g, map) }),
    ...(attribute.sparseTensor && { sparseTensor: await mapSparse(attribute.sparseTensor, own) }),
    tensors: await each(attribute.tensors, own),
    graphs: await each(attribute.graphs, (graph) => mapGraph(graph, map)),
    sparseTensors: await each(attribute.sparseTensors, (sparse) => mapSparse(sparse, own)),
  });
}

async function mapSparse(sparse: SparseTensorProto, map: (tensor: TensorProto) => Promise<TensorProto>): Promise<SparseTensorProto> {
  return replace(sparse, { ...(sparse.values && { values: await map(sparse.values) }), ...(sparse.indices && { indices: await map(sparse.indices) }) });
}

/** The same object when nothing differs; a copy keeps how the message was laid out. */
function replace<T extends object>(value: T, parts: Partial<T>): T {
  return (Object.keys(parts) as (keyof T)[]).every((key) => parts[key] === value[key]) ? value : { ...value, ...parts };
}

/** The same array when nothing differs. */
async function each<T>(list: T[], map: (item: T) => Promise<T>): Promise<T[]> {
  let copy: T[] | undefined;
  for (const [index, item] of list.entries()) {
    const mapped = await map(item);
    if (mapped !== item) (copy ??= [...list])[index] = mapped;
  }
  return copy ?? list;
}
