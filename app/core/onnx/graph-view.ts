/** A graph of any size in pieces that a person can look at: pages of nodes and tensors, and the items of the outline. */
import {
  type GraphNode,
  MAX_OUTLINE_ITEMS,
  MAX_SHOWN_EDGES,
  type NodesRequest,
  type Outline,
  type OutlineItem,
  type TensorRow,
  type TensorsRequest,
} from '#contract';
import type { ModelIndex } from './graph-index.ts';
import { type IndexedTensor, type IndexedGraph, operatorName } from './graph-links.ts';
import { MAX_VIEW_NAME } from './limits.ts';
import type { Node } from './messages.ts';
import type { Child, Part, PartTree } from './part-tree.ts';
import { cutText, tensorRow } from './tensor-rows.ts';
import { misnamed } from './view-errors.ts';

/** @throws usage.unknown-graph */
export function graphNumbered(index: ModelIndex, number: number): IndexedGraph {
  const graph = index.graphs[number];
  if (!graph) throw misnamed('usage.unknown-graph', `The model has no graph ${number}.`, `0 to ${index.graphs.length - 1}`);
  return graph;
}

/** `graph.index` as the node it names. @throws usage.unknown-node, usage.unknown-graph */
export function nodeNamed(index: ModelIndex, id: string): { graph: IndexedGraph; node: Node; at: number } {
  const [number, at] = id.split('.').map(Number);
  const graph = graphNumbered(index, number ?? -1);
  const node = graph.node[at ?? -1];
  if (!node || at === undefined) throw misnamed('usage.unknown-node', `Graph ${graph.number} has no node ${at}.`, `0 to ${graph.node.length - 1}`);
  return { graph, node, at };
}

/** A node as a row. */
export function graphNode(index: ModelIndex, graph: IndexedGraph, at: number): GraphNode {
  const node = graph.node[at];
  const links = index.links(graph);
  const parts = index.parts(graph);
  const part = parts.partOf[at] ?? 0;
  const weights = (links.reads[at] ?? []).flatMap((name) => links.weights.get(name) ?? []);
  return {
    id: `${graph.number}.${at}`,
    name: cutText(node?.name ?? ''),
    op: cutText(node ? operatorName(node) : ''),
    module: cutText(parts.moduleOf(part)),
    part,
    weights: weights.length,
    weightBytes: weights.reduce((sum, weight) => sum + weight.bytes, 0),
  };
}

/**
 * The nodes that match, in the order of the file.
 * @param request.after the id after which the page begins
 * @returns `last`, the id to continue after, when there is more
 */
export function nodePage(
  index: ModelIndex,
  request: Omit<NodesRequest, 'ref' | 'cursor'> & { after?: string | undefined },
): { nodes: GraphNode[]; total: number; last?: string } {
  const graphs = request.graph === undefined ? index.graphs : [graphNumbered(index, request.graph)];
  const [afterGraph = -1, afterNode = -1] = (request.after ?? '').split('.').map((text) => (text === '' ? -1 : Number(text)));
  const wanted = request.search.toLowerCase();
  const ops = new Set(request.ops);
  const nodes: GraphNode[] = [];
  let total = 0;
  let more = false;
  for (const graph of graphs) {
    const part = request.part !== undefined && request.graph !== undefined ? insidePart(index.parts(graph), request.part) : undefined;
    graph.node.forEach((node, at) => {
      if (part && !part(at)) return;
      if (ops.size > 0 && !ops.has(operatorName(node))) return;
      if (wanted && !mentions(node, wanted)) return;
      total++;
      if (graph.number < afterGraph || (graph.number === afterGraph && at <= afterNode)) return;
      if (nodes.length < request.limit) nodes.push(graphNode(index, graph, at));
      else more = true;
    });
  }
  const last = more ? nodes.at(-1)?.id : undefined;
  return { nodes, total, ...(last !== undefined && { last }) };
}

function mentions(node: Node, wanted: string): boolean {
  const has = (text: string | undefined) => text !== undefined && text.toLowerCase().includes(wanted);
  return has(node.name) || has(operatorName(node)) || node.output.some(has) || node.input.some(has);
}

/** Tells whether a node lies in a part, however deep. @throws usage.unknown-part */
export function insidePart(tree: PartTree, number: number): (node: number) => boolean {
  partNumbered(tree, number);
  const known = new Map<number, boolean>([[0, number === 0]]);
  const within = (part: number): boolean => {
    if (part === number) return true;
    let answer = known.get(part);
    if (answer === undefined) known.set(part, (answer = within(tree.parts[part]?.parent ?? 0)));
    return answer;
  };
  return (node) => within(tree.partOf[node] ?? 0);
}

function partNumbered(tree: PartTree, number: number): Part {
  const part = tree.parts[number];
  if (!part) throw misnamed('usage.unknown-part', `The outline has no part ${number}.`, `0 to ${tree.parts.length - 1}`);
  return part;
}

/** Tensors a page at a time, heaviest first unless asked otherwise. `after`: how many to leave out. */
export function tensorPage(
  index: ModelIndex,
  request: Omit<TensorsRequest, 'ref' | 'cursor'> & { after?: number | undefined },
): { tensors: TensorRow[]; total: number; totalBytes: number; last?: number } {
  const wanted = request.search.toLowerCase();
  const types = new Set(request.types);
  let found: readonly IndexedTensor[] = index.tensors();
  if (wanted) found = found.filter((row) => row.name.toLowerCase().includes(wanted));
  if (types.size > 0) found = found.filter((row) => types.has(tensorRow(row).type));
  if (request.sort === 'bytes') found = found.toSorted((a, b) => b.bytes - a.bytes);
  else if (request.sort === 'name') found = found.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const from = request.after ?? 0;
  const last = from + request.limit;
  return {
    tensors: found.slice(from, last).map(tensorRow),
    total: found.length,
    totalBytes: found.reduce((sum, row) => sum + row.bytes, 0),
    ...(last < found.length && { last }),
  };
}

/** The items of one part, and how many values go between them. @throws usage.unknown-graph, usage.unknown-part */
export function outlineOf(index: ModelIndex, number: number, partNumber: number): Outline {
  const graph = graphNumbered(index, number);
  const tree = index.parts(graph);
  const part = partNumbered(tree, partNumber);
  const path: Outline['path'] = [];
  for (let at: Part | undefined = part; at && at.number !== 0; at = tree.parts[at.parent]) path.unshift({ part: at.number, label: at.label });
  const { edges, cut } = itemEdges(index, graph, tree, part);
  return {
    graphs: index.graphs
      .slice(0, MAX_OUTLINE_ITEMS)
      .map(({ number, title, kind, node }) => ({ graph: number, title: cutText(title), kind, nodes: node.length })),
    graphCount: index.graphs.length,
    graph: number,
    part: partNumber,
    path,
    by: tree.by,
    items: part.children.map((child) => itemOf(index, graph, tree, child)),
    edges,
    cut,
  };
}

function itemId(graph: IndexedGraph, child: Child): string {
  return 'part' in child ? `part:${child.part}` : `${graph.number}.${child.node}`;
}

function itemOf(index: ModelIndex, graph: IndexedGraph, tree: PartTree, child: Child): OutlineItem {
  const id = itemId(graph, child);
  if ('node' in child) {
    const { name, op, weightBytes } = graphNode(index, graph, child.node);
    return { id, kind: 'node', label: name || op, nodes: 1, weightBytes, ops: [{ op, nodes: 1 }], first: id };
  }
  const part = tree.parts[child.part];
  const counts = new Map<string, number>();
  if (part) countOps(tree, part, graph, counts);
  const ops = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 5);
  return {
    id,
    kind: part?.kind === 'segment' ? 'segment' : 'module',
    part: child.part,
    label: part?.label ?? '',
    nodes: part?.nodes ?? 0,
    weightBytes: part?.weightBytes ?? 0,
    ops: ops.map(([op, nodes]) => ({ op: cutText(op, MAX_VIEW_NAME), nodes })),
    first: `${graph.number}.${Math.max(0, part?.first ?? 0)}`,
  };
}

function countOps(tree: PartTree, part: Part, graph: IndexedGraph, counts: Map<string, number>): void {
  for (const child of part.children) {
    const inner = 'part' in child ? tree.parts[child.part] : undefined;
    if (inner) countOps(tree, inner, graph, counts);
    const node = 'node' in child ? graph.node[child.node] : undefined;
    if (node) counts.set(operatorName(node), (counts.get(operatorName(node)) ?? 0) + 1);
  }
}

function itemEdges(index: ModelIndex, graph: IndexedGraph, tree: PartTree, part: Part): Pick<Outline, 'edges' | 'cut'> {
  const links = index.links(graph);
  const itemOfNode = new Map<number, string>();
  const mark = (from: Part, id: string) => {
    for (const child of from.children) {
      if ('node' in child) itemOfNode.set(child.node, id);
      else {
        const inner = tree.parts[child.part];
        if (inner) mark(inner, id);
      }
    }
  };
  for (const child of part.children) {
    const id = itemId(graph, child);
    const inner = 'part' in child ? tree.parts[child.part] : undefined;
    if (inner) mark(inner, id);
    else if ('node' in child) itemOfNode.set(child.node, id);
  }
  const values = new Map<string, Set<string>>();
  for (const [node, to] of itemOfNode) {
    for (const name of links.reads[node] ?? []) {
      const maker = links.maker.get(name);
      const from = maker === undefined ? undefined : itemOfNode.get(maker);
      if (from === undefined || from === to) continue;
      const key = `${from} ${to}`;
      const set = values.get(key);
      if (set) set.add(name);
      else values.set(key, new Set([name]));
    }
  }
  const edges = [...values].slice(0, MAX_SHOWN_EDGES).map(([key, names]) => {
    const [from = '', to = ''] = key.split(' ');
    return { from, to, values: names.size };
  });
  return { edges, cut: values.size > MAX_SHOWN_EDGES };
}
