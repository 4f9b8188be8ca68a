/** Going through everything a model contains, subgraphs and functions included. */
import { shown } from './errors.ts';
import type { FunctionProto, Graph, ModelProto, Node, TensorProto } from './messages.ts';

/** A graph or the body of a function: what has nodes. `title` says where it is, for messages. */
export interface Scope {
  title: string;
  node: readonly Node[];
  graph?: Graph;
  function?: FunctionProto;
}

/** Every graph of the model, outer ones before the ones they contain. */
export function* scopes(model: ModelProto): Generator<Scope> {
  if (model.graph) yield* graphScopes(model.graph, 'the graph');
  for (const fn of model.functions) {
    const title = `function ${shown(fn.name ?? '')}`;
    yield { title, node: fn.node, function: fn };
    for (const node of fn.node) yield* nodeScopes(node, title);
  }
}

function* graphScopes(graph: Graph, title: string): Generator<Scope> {
  yield { title, node: graph.node, graph };
  for (const node of graph.node) yield* nodeScopes(node, title);
}

function* nodeScopes(node: Node, title: string): Generator<Scope> {
  for (const attribute of node.attribute) {
    if (!attribute.g && attribute.graphs.length === 0) continue;
    const inner = `${shown(attribute.name ?? '').slice(1, -1)} of node ${shown(node.name || node.opType || '')} in ${title}`;
    if (attribute.g) yield* graphScopes(attribute.g, inner);
    for (const graph of attribute.graphs) yield* graphScopes(graph, inner);
  }
}

/** Every dense tensor: initializers first, then those in attributes. A sparse one counts as its values and its indices. */
export function* tensorsOf(model: ModelProto): Generator<{ tensor: TensorProto; where: string; initializer: boolean }> {
  for (const scope of scopes(model)) {
    for (const tensor of scope.graph?.initializer ?? []) yield { tensor, where: tensor.name ?? '', initializer: true };
    for (const sparse of scope.graph?.sparseInitializer ?? []) {
      for (const tensor of [sparse.values, sparse.indices]) if (tensor) yield { tensor, where: tensor.name ?? sparse.values?.name ?? '', initializer: true };
    }
    for (const node of scope.node) {
      for (const attribute of node.attribute) {
        const where = `${node.name || node.opType || 'node'}.${attribute.name ?? ''}`;
        const dense = [...(attribute.t ? [attribute.t] : []), ...attribute.tensors];
        const sparse = [...(attribute.sparseTensor ? [attribute.sparseTensor] : []), ...attribute.sparseTensors];
        for (const tensor of dense) yield { tensor, where, initializer: false };
        for (const { values, indices } of sparse) for (const tensor of [values, indices]) if (tensor) yield { tensor, where, initializer: false };
      }
    }
  }
}
