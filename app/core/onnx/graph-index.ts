/**
 * A model's graphs by number, and who makes and who reads each value: what every view of a graph is computed from. Made
 * once per model; it takes a model as it is, sound or not, and never throws over one.
 */
import { shown } from './errors.ts';
import { functionName, type GraphLinks, type IndexedGraph, type IndexedTensor, linksOf } from './graph-links.ts';
import type { Graph, Node } from './messages.ts';
import type { OnnxModel } from './model.ts';
import { type PartTree, partTree } from './part-tree.ts';
import { indexTensors } from './tensor-rows.ts';

export class ModelIndex {
  readonly model: OnnxModel;
  readonly graphs: readonly IndexedGraph[];
  /** The number of a graph, or of a function by `functionName`. */
  readonly numberOf: ReadonlyMap<Graph | string, number>;
  readonly #links = new Map<number, GraphLinks>();
  readonly #parts = new Map<number, PartTree>();
  #tensors: readonly IndexedTensor[] | undefined;

  constructor(model: OnnxModel) {
    this.model = model;
    const graphs: IndexedGraph[] = [];
    const numberOf = new Map<Graph | string, number>();
    const addNodes = (nodes: readonly Node[], title: string, outer: number) => {
      for (const node of nodes) {
        for (const attribute of node.attribute) {
          for (const graph of [...(attribute.g ? [attribute.g] : []), ...attribute.graphs]) {
            addGraph(graph, 'subgraph', `${shown(attribute.name ?? '')} of ${shown(node.name || node.opType || '')} in ${title}`, outer);
          }
        }
      }
    };
    const addGraph = (graph: Graph, kind: 'main' | 'subgraph', title: string, outer?: number) => {
      const number = graphs.length;
      const given = graph.input.map((info) => info.name ?? '');
      graphs.push({ number, title, kind, node: graph.node, graph, given, outputs: graph.output.map((info) => info.name ?? ''), outer });
      numberOf.set(graph, number);
      addNodes(graph.node, kind === 'main' ? 'the graph' : `graph ${number}`, number);
    };
    addGraph(model.graph, 'main', 'the graph');
    for (const fn of model.functions) {
      const number = graphs.length;
      const title = `function ${shown(fn.name ?? '')}`;
      graphs.push({ number, title, kind: 'function', node: fn.node, graph: undefined, given: fn.input, outputs: fn.output, outer: undefined });
      numberOf.set(functionName(fn.domain, fn.name, fn.overload), number);
      addNodes(fn.node, title, number);
    }
    this.graphs = graphs;
    this.numberOf = numberOf;
  }

  links(graph: IndexedGraph): GraphLinks {
    let links = this.#links.get(graph.number);
    if (!links) this.#links.set(graph.number, (links = linksOf(graph, this.tensors())));
    return links;
  }

  /** The graph folded into modules and segments. */
  parts(graph: IndexedGraph): PartTree {
    let parts = this.#parts.get(graph.number);
    if (!parts) this.#parts.set(graph.number, (parts = partTree(graph.node, this.links(graph))));
    return parts;
  }

  /** Every tensor of every graph, in the order of the file. */
  tensors(): readonly IndexedTensor[] {
    this.#tensors ??= indexTensors(this.graphs);
    return this.#tensors;
  }
}
