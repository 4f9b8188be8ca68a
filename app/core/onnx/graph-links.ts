/** The graphs and tensors of a model as its views know them, and who makes and who reads each value of a graph. */
import type { TensorRow } from '#contract';
import { capturedNames, subgraphs } from './attributes.ts';
import type { Graph, Node, TensorProto, TypeProto } from './messages.ts';
import { normalDomain } from './model.ts';

/** One graph of the model: the main one is number 0, then its subgraphs, then functions with theirs. */
export interface IndexedGraph {
  number: number;
  title: string;
  kind: 'main' | 'subgraph' | 'function';
  node: readonly Node[];
  graph: Graph | undefined;
  /** Names that are there before any node runs: the graph's or the function's inputs. */
  given: readonly string[];
  outputs: readonly string[];
  /** The graph around a subgraph. */
  outer: number | undefined;
}

/** Who makes and reads the values of one graph; nodes by their index. */
export interface GraphLinks {
  maker: ReadonlyMap<string, number>;
  /** Each reader once, in the order of the file. */
  readers: ReadonlyMap<string, readonly number[]>;
  /** What each node reads, what its subgraphs take from here included; each value once. */
  reads: readonly (readonly string[])[];
  types: ReadonlyMap<string, TypeProto>;
  weights: ReadonlyMap<string, IndexedTensor>;
  given: ReadonlySet<string>;
  outputs: ReadonlySet<string>;
}

export interface IndexedTensor {
  tensor: TensorProto;
  graph: number;
  /** Position among the tensors of its graph. */
  index: number;
  role: TensorRow['role'];
  /** As it is in the model; for a tensor of a node's attribute, where it is. */
  name: string;
  elements: number;
  /** What type and dimensions ask for; what is there where they cannot be right. */
  bytes: number;
}

/** Names a local function; nodes call it by domain, operator and overload. */
export function functionName(domain: string | undefined, name: string | undefined, overload: string | undefined): string {
  return `${normalDomain(domain)}\n${name ?? ''}\n${overload ?? ''}`;
}

/** `domain.Op`, the default domain left out. */
export function operatorName(node: Node): string {
  const domain = normalDomain(node.domain);
  return domain ? `${domain}.${node.opType ?? ''}` : (node.opType ?? '');
}

export function linksOf(graph: IndexedGraph, tensors: readonly IndexedTensor[]): GraphLinks {
  const maker = new Map<string, number>();
  const readers = new Map<string, number[]>();
  const reads: string[][] = [];
  graph.node.forEach((node, index) => {
    const names = new Set(node.input);
    for (const inner of subgraphs(node)) for (const name of capturedNames(inner)) names.add(name);
    names.delete('');
    reads.push([...names]);
    for (const name of names) {
      const list = readers.get(name);
      if (list) list.push(index);
      else readers.set(name, [index]);
    }
    // Where two nodes claim to make a value, the first counts; `check` refuses such a model.
    for (const name of node.output) if (name !== '' && !maker.has(name)) maker.set(name, index);
  });
  const types = new Map<string, TypeProto>();
  for (const infos of [graph.graph?.valueInfo ?? [], graph.graph?.input ?? [], graph.graph?.output ?? []])
    for (const info of infos) if (info.type && info.name) types.set(info.name, info.type);
  const weights = new Map<string, IndexedTensor>();
  for (const tensor of tensors) if (tensor.graph === graph.number && tensor.role !== 'attribute' && !weights.has(tensor.name)) weights.set(tensor.name, tensor);
  return { maker, readers, reads, types, weights, given: new Set(graph.given), outputs: new Set(graph.outputs) };
}
