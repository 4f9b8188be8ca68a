/** One node, with everything about it that fits on a screen. */
import type { NodeDetail } from '#contract';
import { AttributeType } from './attributes.ts';
import { typeName } from './data-types.ts';
import type { ModelIndex } from './graph-index.ts';
import { functionName, type GraphLinks, type IndexedGraph, operatorName } from './graph-links.ts';
import { graphNode, nodeNamed } from './graph-view.ts';
import { MAX_VIEW_ELEMENTS, MAX_VIEW_LIST, MAX_VIEW_TEXT } from './limits.ts';
import type { Attribute, Graph, TensorProto } from './messages.ts';
import { normalDomain } from './model.ts';
import { valueType } from './neighbourhood.ts';
import { cutText, dimOf, tensorRow } from './tensor-rows.ts';
import { tensorData } from './tensors.ts';
import { typeInfo } from './types.ts';
import { isFileRange } from './wire-reader.ts';

/** @throws usage.unknown-node, usage.unknown-graph */
export async function nodeDetail(index: ModelIndex, id: string): Promise<NodeDetail> {
  const { graph, node, at } = nodeNamed(index, id);
  const links = index.links(graph);
  const calls = index.numberOf.get(functionName(node.domain, node.opType, node.overload));
  return {
    ...graphNode(index, graph, at),
    domain: cutText(normalDomain(node.domain)),
    overload: cutText(node.overload ?? ''),
    description: cutText(node.docString ?? '', MAX_VIEW_TEXT),
    graph: graph.number,
    graphTitle: cutText(graph.title),
    attributes: await Promise.all(node.attribute.slice(0, MAX_VIEW_LIST).map((attribute) => attributeOf(index, attribute))),
    inputs: node.input.slice(0, MAX_VIEW_LIST).map((name) => inputOf(index, graph, links, name)),
    outputs: node.output.slice(0, MAX_VIEW_LIST).map((name) => outputOf(graph, links, name)),
    counts: { attributes: node.attribute.length, inputs: node.input.length, outputs: node.output.length },
    metadata: node.metadataProps.slice(0, MAX_VIEW_LIST).map(({ key, value }) => ({ key: cutText(key ?? ''), value: cutText(value ?? '', MAX_VIEW_TEXT) })),
    ...(calls !== undefined && { calls }),
  };
}

function link(graph: IndexedGraph, at: number) {
  const node = graph.node[at];
  return { id: `${graph.number}.${at}`, name: cutText(node?.name ?? ''), op: cutText(node ? operatorName(node) : '') };
}

function inputOf(index: ModelIndex, graph: IndexedGraph, links: GraphLinks, name: string): NodeDetail['inputs'][number] {
  const shown = { name: cutText(name), ...valueType(links, name) };
  const maker = links.maker.get(name);
  const weight = links.weights.get(name);
  if (name === '') return { ...shown, origin: 'left out' };
  if (maker !== undefined) return { ...shown, origin: 'node', from: link(graph, maker) };
  if (weight) {
    const tensor = tensorRow(weight);
    return { ...shown, origin: 'weight', type: tensor.type, dims: tensor.dims, tensor };
  }
  if (links.given.has(name)) return { ...shown, origin: 'graph input' };
  for (let outer = outerOf(index, graph); outer; outer = outerOf(index, outer)) {
    const around = index.links(outer);
    if (around.maker.has(name) || around.weights.has(name) || around.given.has(name)) return { ...shown, ...valueType(around, name), origin: 'outer graph' };
  }
  return { ...shown, origin: 'missing' };
}

function outerOf(index: ModelIndex, graph: IndexedGraph): IndexedGraph | undefined {
  return graph.outer === undefined ? undefined : index.graphs[graph.outer];
}

function outputOf(graph: IndexedGraph, links: GraphLinks, name: string): NodeDetail['outputs'][number] {
  const readers = name === '' ? [] : (links.readers.get(name) ?? []);
  return {
    name: cutText(name),
    ...valueType(links, name),
    graphOutput: name !== '' && links.outputs.has(name),
    to: readers.slice(0, MAX_VIEW_LIST).map((at) => link(graph, at)),
    readers: readers.length,
  };
}

const TYPE_WORDS = new Map<number | undefined, string>(Object.entries(AttributeType).map(([word, number]) => [number, word]));

async function attributeOf(index: ModelIndex, attribute: Attribute): Promise<NodeDetail['attributes'][number]> {
  const text = attribute.refAttrName ? `attribute ${attribute.refAttrName} of the function` : await valueText(attribute);
  const value = cutText(text, MAX_VIEW_TEXT);
  const graph = attribute.g && index.numberOf.get(attribute.g);
  return {
    name: cutText(attribute.name ?? ''),
    type: TYPE_WORDS.get(attribute.type) ?? 'undefined',
    value,
    cut: value !== text || listLength(attribute) > MAX_VIEW_ELEMENTS,
    ...(graph !== undefined && { graph }),
  };
}

function listLength(attribute: Attribute): number {
  return Math.max(attribute.ints.length, attribute.floats.length, attribute.strings.length, attribute.tensors.length, attribute.graphs.length);
}

async function valueText(attribute: Attribute): Promise<string> {
  switch (attribute.type) {
    case AttributeType.float:
      return String(attribute.f ?? 0);
    case AttributeType.int:
      return String(attribute.i ?? 0n);
    case AttributeType.string:
      return bytesText(attribute.s ?? new Uint8Array());
    case AttributeType.tensor:
      return attribute.t ? tensorText(attribute.t) : '';
    case AttributeType.graph:
      return attribute.g ? graphText(attribute.g) : '';
    case AttributeType.floats:
      return list(attribute.floats, String);
    case AttributeType.ints:
      return list(attribute.ints, String);
    case AttributeType.strings:
      return list(attribute.strings, bytesText);
    case AttributeType.tensors:
      return list(attribute.tensors, (tensor) => `${typeName(tensor.dataType)}[${tensor.dims.map(dimOf).join(', ')}]`);
    case AttributeType.graphs:
      return list(attribute.graphs, graphText);
    case AttributeType.sparseTensor:
      return `sparse [${(attribute.sparseTensor?.dims ?? []).map(dimOf).join(', ')}]`;
    case AttributeType.sparseTensors:
      return list(attribute.sparseTensors, (sparse) => `sparse [${sparse.dims.map(dimOf).join(', ')}]`);
    case AttributeType.typeProto:
      return typeText(attribute.tp);
    case AttributeType.typeProtos:
      return list(attribute.typeProtos, typeText);
    default:
      return '';
  }
}

function list<T>(values: readonly T[], text: (value: T) => string): string {
  const more = values.length > MAX_VIEW_ELEMENTS ? `, … ${values.length} in all` : '';
  return `[${values.slice(0, MAX_VIEW_ELEMENTS).map(text).join(', ')}${more}]`;
}

function graphText(graph: Graph): string {
  return `a graph of ${graph.node.length} nodes`;
}

function typeText(type: Attribute['tp']): string {
  const info = typeInfo(type);
  return `${info.type}[${info.dims.join(', ')}]`;
}

function bytesText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, MAX_VIEW_TEXT * 4));
  } catch {
    return `${bytes.length} bytes: ${Buffer.from(bytes.subarray(0, 64)).toString('hex')}`;
  }
}

/** Type and dimensions, and the elements when they are few and at hand. */
async function tensorText(tensor: TensorProto): Promise<string> {
  const head = `${typeName(tensor.dataType)}[${tensor.dims.map(dimOf).join(', ')}]`;
  const holders = [tensor.rawData, tensor.floatData, tensor.int32Data, tensor.int64Data, tensor.doubleData, tensor.uint64Data];
  if (tensor.dataLocation === 1 || holders.some((bytes) => bytes && isFileRange(bytes))) return head;
  const values = await tensorData('', tensor).catch(() => undefined);
  if (!values || values.length === 0) return head;
  const shown = Array.from<unknown>(values.slice(0, MAX_VIEW_ELEMENTS) as ArrayLike<unknown>).map(String);
  return `${head} = ${shown.join(', ')}${values.length > MAX_VIEW_ELEMENTS ? ', …' : ''}`;
}
