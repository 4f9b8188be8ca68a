/** What the engine says of a piece of the graph, as boxes and links to draw. Pure: no layout, no screen. */
import type { Neighbourhood, Outline } from '#contract';
import { bytes, plural } from '../../../lib/format.ts';
import { plainName } from '../../../lib/plain-name.ts';

export interface PictureBox {
  id: string;
  kind: 'node' | 'part' | 'input' | 'output';
  title: string;
  detail: string;
  /** What is not in the picture although it is connected. */
  hidden: number;
  width: number;
  height: number;
  /** Opens this part of the outline. */
  part?: number;
}
export interface PictureLink {
  id: string;
  from: string;
  to: string;
  label: string;
}
export interface Picture {
  boxes: PictureBox[];
  links: PictureLink[];
  cut: boolean;
}

/** Generous widths of a letter of the bold title and of the small line below it. */
const TITLE_CHAR_PX = 8.2;
const DETAIL_CHAR_PX = 6.6;
const MIN_PX = 88;
const MAX_PX = 280;
const HEIGHT_PX = 44;

function box(id: string, kind: PictureBox['kind'], title: string, detail: string, hidden = 0): PictureBox {
  const width = Math.min(MAX_PX, Math.max(MIN_PX, Math.max(title.length * TITLE_CHAR_PX, detail.length * DETAIL_CHAR_PX + (hidden > 0 ? 20 : 0)) + 26));
  return { id, kind, title, detail, hidden, width, height: HEIGHT_PX };
}

export function neighbourhoodPicture({ vertices, edges, cut }: Neighbourhood): Picture {
  return {
    boxes: vertices.map((vertex) =>
      vertex.kind === 'node'
        ? box(vertex.id, 'node', plainName(vertex.op), vertex.name === '' ? '' : plainName(vertex.name), vertex.hidden)
        : box(vertex.id, vertex.kind, plainName(vertex.name), `${vertex.type} [${vertex.dims.join(', ')}]`),
    ),
    links: linked(edges.map((edge) => ({ from: edge.from, to: edge.to, label: edge.dims === undefined ? '' : edge.dims.join('×') }))),
    cut,
  };
}

export function outlinePicture({ items, edges, cut }: Outline): Picture {
  return {
    boxes: items.map((item) => {
      if (item.kind === 'node') return box(item.id, 'node', plainName(item.ops[0]?.op ?? item.label), plainName(item.label));
      const made = box(item.id, 'part', plainName(item.label), `${plural(item.nodes, 'node')}${item.weightBytes > 0 ? `, ${bytes(item.weightBytes)}` : ''}`);
      return item.part === undefined ? made : { ...made, part: item.part };
    }),
    links: linked(edges.map((edge) => ({ from: edge.from, to: edge.to, label: edge.values > 1 ? `${edge.values} values` : '' }))),
    cut,
  };
}

/** Two boxes have one line between them however many values go along it. */
function linked(edges: readonly { from: string; to: string; label: string }[]): PictureLink[] {
  const links = new Map<string, PictureLink>();
  for (const { from, to, label } of edges) {
    const id = `${from} ${to}`;
    const there = links.get(id);
    if (!there) links.set(id, { id, from, to, label });
    else if (label !== '' && !there.label.includes(label)) there.label = `${there.label}, ${label}`.slice(0, 60);
  }
  // One value that several read is said once, or the labels would lie on each other.
  const said = new Set<string>();
  for (const link of links.values()) {
    const key = `${link.from} ${link.label}`;
    if (said.has(key)) link.label = '';
    said.add(key);
  }
  return [...links.values()];
}
