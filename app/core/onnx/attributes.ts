/** Reading and making the attributes of nodes. */
import type { Attribute, Graph, Node, TensorProto } from './messages.ts';

/** Values of AttributeProto.type. */
export const AttributeType = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;

export function findAttribute(node: { attribute: readonly Attribute[] }, name: string): Attribute | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** An integer attribute as a number, clamped to what a number counts exactly; `fallback` when it is absent. */
export function intAttribute(node: { attribute: readonly Attribute[] }, name: string, fallback: number): number {
  const value = findAttribute(node, name)?.i;
  if (value === undefined) return fallback;
  return Number(BigInt.asIntN(64, value));
}

export function floatAttribute(node: { attribute: readonly Attribute[] }, name: string, fallback: number): number {
  return findAttribute(node, name)?.f ?? fallback;
}

export function textAttribute(node: { attribute: readonly Attribute[] }, name: string): string | undefined {
  const value = findAttribute(node, name)?.s;
  return value === undefined ? undefined : Buffer.from(value).toString('utf8');
}

type AttributeValue = { int: number | bigint } | { ints: readonly (number | bigint)[] } | { float: number } | { text: string } | { tensor: TensorProto };

export function makeAttribute(name: string, value: AttributeValue): Attribute {
  const attribute: Attribute = { name, floats: [], ints: [], strings: [], tensors: [], graphs: [], typeProtos: [], sparseTensors: [] };
  if ('int' in value) return { ...attribute, i: BigInt(value.int), type: AttributeType.int };
  if ('ints' in value) return { ...attribute, ints: value.ints.map(BigInt), type: AttributeType.ints };
  if ('float' in value) return { ...attribute, f: value.float, type: AttributeType.float };
  if ('tensor' in value) return { ...attribute, t: value.tensor, type: AttributeType.tensor };
  return { ...attribute, s: new TextEncoder().encode(value.text), type: AttributeType.string };
}

export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  more: { name?: string; domain?: string; attribute?: Attribute[] } = {},
): Node {
  return {
    input: [...input],
    output: [...output],
    opType,
    attribute: more.attribute ?? [],
    metadataProps: [],
    ...(more.name !== undefined && { name: more.name }),
    ...(more.domain !== undefined && { domain: more.domain }),
  };
}

/** The subgraphs that a node carries in its attributes. */
export function subgraphs(node: Node): Graph[] {
  return node.attribute.flatMap((attribute) => [...(attribute.g ? [attribute.g] : []), ...attribute.graphs]);
}

/** Names that a subgraph, with those inside it, takes from around it. */
export function capturedNames(graph: Graph): Set<string> {
  const own = new Set<string>();
  for (const info of graph.input) own.add(info.name ?? '');
  for (const tensor of graph.initializer) own.add(tensor.name ?? '');
  for (const sparse of graph.sparseInitializer) own.add(sparse.values?.name ?? '');
  for (const node of graph.node) for (const name of node.output) own.add(name);
  const names = new Set<string>();
  const read = (name: string) => {
    if (name !== '' && !own.has(name)) names.add(name);
  };
  for (const node of graph.node) {
    node.input.forEach(read);
    for (const inner of subgraphs(node)) capturedNames(inner).forEach(read);
  }
  for (const info of graph.output) read(info.name ?? '');
  return names;
}
