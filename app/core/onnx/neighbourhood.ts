/** What to draw: the nodes around one node, a stretch of the graph, or a part of the outline, with what flows between them. */
import { type Edge, MAX_SHOWN_EDGES, MAX_SHOWN_NODES, type Neighbourhood, type NeighbourhoodRequest, type Vertex } from '#contract';
import type { ModelIndex } from './graph-index.ts';
import type { GraphLinks, IndexedGraph } from './graph-links.ts';
import { graphNode, graphNumbered, insidePart, nodeNamed } from './graph-view.ts';
import { cutText } from './tensor-rows.ts';
import { typeInfo } from './types.ts';

/** @throws usage.unknown-graph, usage.unknown-node, usage.unknown-part */
export function neighbourhoodOf(index: ModelIndex, of: NeighbourhoodRequest['of'], limit = MAX_SHOWN_NODES): Neighbourhood {
  const graph = of.kind === 'node' ? nodeNamed(index, of.id).graph : graphNumbered(index, of.graph);
  const links = index.links(graph);
  const { chosen, cut } = choose(index, graph, links, of, limit);
  const vertices: Vertex[] = [...chosen]
    .sort((a, b) => a - b)
    .map((at) => ({ kind: 'node' as const, ...graphNode(index, graph, at), hidden: hiddenAround(links, graph, at, chosen) }));
  const ends = { input: new Set<string>(), output: new Set<string>() };
  const edges: Edge[] = [];
  const addEdge = (from: string, to: string, value: string) => edges.push({ from, to, value: cutText(value), ...valueType(links, value) });
  const addEnd = (kind: 'input' | 'output', name: string): string => {
    const id = `${graph.number}.${kind}.${(kind === 'input' ? graph.given : graph.outputs).indexOf(name)}`;
    if (!ends[kind].has(name) && ends.input.size + ends.output.size < MAX_SHOWN_NODES) {
      ends[kind].add(name);
      vertices.push({ kind, id, name: cutText(name), type: 'unknown', dims: [], ...valueType(links, name) });
    }
    return id;
  };
  for (const at of chosen) {
    for (const name of links.reads[at] ?? []) {
      const maker = links.maker.get(name);
      if (maker !== undefined) {
        if (chosen.has(maker)) addEdge(`${graph.number}.${maker}`, `${graph.number}.${at}`, name);
      } else if (links.given.has(name) && !links.weights.has(name)) {
        addEdge(addEnd('input', name), `${graph.number}.${at}`, name);
      }
    }
    for (const name of graph.node[at]?.output ?? []) if (links.outputs.has(name) && name !== '') addEdge(`${graph.number}.${at}`, addEnd('output', name), name);
  }
  const known = new Set(vertices.map((vertex) => vertex.id));
  const drawn = edges.filter((edge) => known.has(edge.from) && known.has(edge.to));
  return { graph: graph.number, vertices, edges: drawn.slice(0, MAX_SHOWN_EDGES), cut: cut || drawn.length > MAX_SHOWN_EDGES };
}

/** Nearest first, so that what is left out is what is farthest. */
function choose(
  index: ModelIndex,
  graph: IndexedGraph,
  links: GraphLinks,
  of: NeighbourhoodRequest['of'],
  limit: number,
): { chosen: Set<number>; cut: boolean } {
  if (of.kind === 'node') return around(links, graph, nodeNamed(index, of.id).at, of, limit);
  const inside = of.kind === 'part' ? insidePart(index.parts(graph), of.part) : (at: number) => at >= of.from;
  const chosen = new Set<number>();
  for (let at = 0; at < graph.node.length; at++) {
    if (!inside(at)) continue;
    if (chosen.size === limit) return { chosen, cut: true };
    chosen.add(at);
  }
  return { chosen, cut: false };
}

function around(
  links: GraphLinks,
  graph: IndexedGraph,
  start: number,
  how: { hops: number; direction: 'both' | 'before' | 'after' },
  limit: number,
): { chosen: Set<number>; cut: boolean } {
  const chosen = new Set([start]);
  let edge = [start];
  for (let hop = 0; hop < how.hops && edge.length > 0; hop++) {
    const next: number[] = [];
    for (const at of edge) {
      for (const other of neighbours(links, graph, at, how.direction)) {
        if (chosen.has(other)) continue;
        if (chosen.size >= limit) return { chosen, cut: true };
        chosen.add(other);
        next.push(other);
      }
    }
    edge = next;
  }
  return { chosen, cut: false };
}

function* neighbours(links: GraphLinks, graph: IndexedGraph, at: number, direction: 'both' | 'before' | 'after'): Generator<number> {
  if (direction !== 'after') {
    for (const name of links.reads[at] ?? []) {
      const maker = links.maker.get(name);
      if (maker !== undefined) yield maker;
    }
  }
  if (direction !== 'before') for (const name of graph.node[at]?.output ?? []) if (name !== '') yield* links.readers.get(name) ?? [];
}

function hiddenAround(links: GraphLinks, graph: IndexedGraph, at: number, chosen: ReadonlySet<number>): number {
  const hidden = new Set<number>();
  for (const other of neighbours(links, graph, at, 'both')) if (!chosen.has(other)) hidden.add(other);
  return hidden.size;
}

/** Type and dimensions of a value, where the model tells them. */
export function valueType(links: GraphLinks, name: string): { type?: string; dims?: (number | string)[] } {
  const type = links.types.get(name);
  return type ? typeInfo(type) : {};
}
