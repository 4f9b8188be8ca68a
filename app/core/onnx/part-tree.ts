/**
 * A graph folded up for a person to open step by step: modules as the exporter named them, and where a level would have more
 * items than anybody can look at, runs of them (segments). Every level has at most MAX_OUTLINE_ITEMS items.
 */
import { MAX_OUTLINE_ITEMS } from '#contract';
import type { GraphLinks } from './graph-links.ts';
import { MAX_MODULE_DEPTH, MAX_SEGMENTS, MIN_SEGMENT } from './limits.ts';
import type { Node } from './messages.ts';
import { modulesOf } from './modules.ts';
import { cutText } from './tensor-rows.ts';

/** Nodes by their index in the graph, parts by their number. */
export type Child = { node: number } | { part: number };

export interface Part {
  number: number;
  kind: 'graph' | 'module' | 'segment';
  label: string;
  parent: number;
  /** In the order in which they first appear in the file. */
  children: Child[];
  /** All the nodes in it, and the first of them. */
  nodes: number;
  first: number;
  weightBytes: number;
}

export interface PartTree {
  by: 'PyTorch scopes' | 'node names' | 'weight names' | 'order';
  /** By number; 0 is the graph itself. */
  parts: readonly Part[];
  /** The smallest part around each node. */
  partOf: Int32Array;
  /** The module of each part, from outside in, joined by `/`. */
  moduleOf(part: number): string;
}

export function partTree(nodes: readonly Node[], links: GraphLinks): PartTree {
  const { by, paths } = modulesOf(nodes, links);
  const parts: Part[] = [];
  const add = (kind: Part['kind'], label: string, parent: number): Part => {
    const part: Part = { number: parts.length, kind, label: cutText(label, 200), parent, children: [], nodes: 0, first: -1, weightBytes: 0 };
    parts.push(part);
    return part;
  };
  const root = add('graph', '', 0);
  const inside = new Map<number, Map<string, Part>>();
  nodes.forEach((_, index) => {
    let at = root;
    for (const label of (paths[index] ?? []).slice(0, MAX_MODULE_DEPTH)) {
      const known = inside.get(at.number) ?? new Map<string, Part>();
      inside.set(at.number, known);
      let next = known.get(label);
      if (!next) {
        next = add('module', label, at.number);
        known.set(label, next);
        at.children.push({ part: next.number });
      }
      at = next;
    }
    at.children.push({ node: index });
  });
  for (const part of [...parts]) {
    shorten(part, parts);
    divide(part, parts, nodes, add);
  }
  const partOf = new Int32Array(nodes.length);
  count(root, parts, partOf, links);
  return { by, parts, partOf, moduleOf: (number) => moduleOf(parts, number) };
}

/** A module that holds nothing but one other module is shown as one: `model/encoder`. */
function shorten(part: Part, parts: readonly Part[]): void {
  if (part.kind !== 'module') return;
  for (let only = onlyModule(part, parts); only; only = onlyModule(part, parts)) {
    part.label = cutText(`${part.label}/${only.label}`, 200);
    part.children = only.children;
    for (const child of part.children) if ('part' in child && parts[child.part]) (parts[child.part] as Part).parent = part.number;
    only.children = [];
  }
}

function onlyModule(part: Part, parts: readonly Part[]): Part | undefined {
  const child = part.children.length === 1 ? part.children[0] : undefined;
  return child && 'part' in child ? parts[child.part] : undefined;
}

/** Puts runs of neighbouring items together until there are few enough. */
function divide(part: Part, parts: Part[], nodes: readonly Node[], add: (kind: Part['kind'], label: string, parent: number) => Part): void {
  const all = part.children;
  if (all.length <= MAX_OUTLINE_ITEMS) return;
  const size = Math.max(MIN_SEGMENT, Math.ceil(all.length / MAX_SEGMENTS));
  part.children = [];
  for (let at = 0; at < all.length; at += size) {
    const run = all.slice(at, at + size);
    const segment = add('segment', `${labelOf(run[0], parts, nodes)} … ${labelOf(run.at(-1), parts, nodes)}`, part.number);
    segment.children = run;
    for (const child of run) if ('part' in child && parts[child.part]) (parts[child.part] as Part).parent = segment.number;
    part.children.push({ part: segment.number });
    divide(segment, parts, nodes, add);
  }
}

function labelOf(child: Child | undefined, parts: readonly Part[], nodes: readonly Node[]): string {
  if (!child) return '';
  if ('part' in child) return parts[child.part]?.label ?? '';
  const node = nodes[child.node];
  return cutText(node?.name || `${node?.opType ?? ''} ${child.node}`, 80);
}

/** Sums from the leaves up; depth is bounded by MAX_MODULE_DEPTH and the few levels of segments. */
function count(part: Part, parts: readonly Part[], partOf: Int32Array, links: GraphLinks): void {
  for (const child of part.children) {
    if ('node' in child) {
      partOf[child.node] = part.number;
      part.nodes++;
      for (const name of links.reads[child.node] ?? []) part.weightBytes += links.weights.get(name)?.bytes ?? 0;
      if (part.first < 0 || child.node < part.first) part.first = child.node;
      continue;
    }
    const inner = parts[child.part];
    if (!inner) continue;
    count(inner, parts, partOf, links);
    part.nodes += inner.nodes;
    part.weightBytes += inner.weightBytes;
    if (part.first < 0 || (inner.first >= 0 && inner.first < part.first)) part.first = inner.first;
  }
}

function moduleOf(parts: readonly Part[], number: number): string {
  const labels: string[] = [];
  for (let at = parts[number]; at && at.number !== 0; at = parts[at.parent]) if (at.kind === 'module') labels.unshift(at.label);
  return labels.join('/');
}
