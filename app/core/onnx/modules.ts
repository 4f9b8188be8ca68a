/** Which module of the original program each node came from, as far as the file tells. */
import type { GraphLinks } from './graph-links.ts';
import type { Node } from './messages.ts';

export interface Modules {
  by: 'PyTorch scopes' | 'node names' | 'weight names' | 'order';
  /** For each node the modules around it, outermost first. */
  paths: string[][];
}

/** PyTorch's newer exporter leaves here the modules around a node as a Python list: `['', 'layers', 'layers.0', 'linear']`. */
const SCOPES = 'pkg.torch.onnx.name_scopes';

/** Whichever source says most: scopes for half of the nodes, else names with slashes, else the names of the weights. */
export function modulesOf(nodes: readonly Node[], links: GraphLinks): Modules {
  const scopes = nodes.map(scopePath);
  if (share(scopes) >= 0.5) return { by: 'PyTorch scopes', paths: scopes.map((path) => path ?? []) };
  const names = nodes.map(namePath);
  if (share(names) >= 0.25) return { by: 'node names', paths: names.map((path) => path ?? []) };
  const weights = weightPaths(nodes, links);
  if (weights) return { by: 'weight names', paths: weights };
  return { by: 'order', paths: nodes.map(() => []) };
}

function share(paths: readonly (string[] | undefined)[]): number {
  return paths.length === 0 ? 0 : paths.filter((path) => path && path.length > 0).length / paths.length;
}

function scopePath(node: Node): string[] | undefined {
  const text = node.metadataProps.find((entry) => entry.key === SCOPES)?.value;
  if (text === undefined) return undefined;
  // The last entry is the operation itself; each one before holds the whole name of its module.
  const entries = [...text.matchAll(/'([^']*)'/g)].map((match) => match[1] ?? '');
  const module = entries.slice(0, -1).findLast((entry) => entry !== '');
  return module === undefined ? [] : module.split('.').filter(Boolean);
}

/** `/layer1/block0/Conv` (PyTorch), `model/conv2d/Conv2D` (TensorFlow; TFLite joins several by `;`). */
function namePath(node: Node): string[] | undefined {
  const first = (node.name ?? '').split(';', 1)[0] ?? '';
  if (!first.includes('/')) return undefined;
  return first.split('/').slice(0, -1).filter(Boolean);
}

/**
 * Weights carry their module's name (`layers.0.attn.q.weight`). A node that reads none belongs to what the nodes before and
 * after it have in common. undefined when too few names tell.
 */
function weightPaths(nodes: readonly Node[], links: GraphLinks): string[][] | undefined {
  const own = nodes.map((_, index) => {
    const dotted = (links.reads[index] ?? []).filter((name) => links.weights.has(name) && /^[^.\s]+(\.[^.\s]+)+$/.test(name));
    return dotted[0]?.split('.').slice(0, -1);
  });
  const known = own.filter((path) => path !== undefined);
  if (new Set(known.map((path) => path.join('.'))).size < 2 || known.length * 20 < nodes.length) return undefined;
  const next = new Array<string[] | undefined>(own.length);
  let after: string[] | undefined;
  for (let i = own.length - 1; i >= 0; i--) next[i] = after = own[i] ?? after;
  let before: string[] = [];
  return own.map((path, i) => {
    if (path) return (before = path);
    return commonStart(before, next[i] ?? []);
  });
}

function commonStart(a: readonly string[], b: readonly string[]): string[] {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return a.slice(0, same);
}
