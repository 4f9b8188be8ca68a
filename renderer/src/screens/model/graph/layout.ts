/**
 * Where the boxes of a picture go: computed by ELK in a worker, so that the screen never waits for it. Giving up a layout
 * ends the worker, which is the only way to stop it; the next layout starts a new one.
 */
import ELK, { type ElkNode } from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';

/** How long a layout may take before it is given up, in milliseconds. */
const LAYOUT_LIMIT_MS = 20_000;

export interface Box {
  id: string;
  width: number;
  height: number;
}
export interface Link {
  id: string;
  from: string;
  to: string;
}
export interface Placed {
  /** Left upper corners by id. */
  at: Map<string, { x: number; y: number }>;
  width: number;
  height: number;
}

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.layered.spacing.nodeNodeBetweenLayers': '36',
  'elk.spacing.nodeNode': '24',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
};

let elk: InstanceType<typeof ELK> | undefined;

/** @throws when it takes longer than LAYOUT_LIMIT_MS, or `signal` fires */
export async function layOut(boxes: readonly Box[], links: readonly Link[], signal: AbortSignal): Promise<Placed> {
  signal.throwIfAborted();
  elk ??= new ELK({ workerUrl });
  const used = elk;
  const graph: ElkNode = {
    id: 'root',
    layoutOptions: OPTIONS,
    children: boxes.map(({ id, width, height }) => ({ id, width, height })),
    edges: links.map(({ id, from, to }) => ({ id, sources: [from], targets: [to] })),
  };
  let timer: number | undefined;
  let onAbort: (() => void) | undefined;
  const given = new Promise<never>((_, reject) => {
    const stop = (why: Error) => {
      used.terminateWorker();
      if (elk === used) elk = undefined;
      reject(why);
    };
    timer = window.setTimeout(() => stop(new Error(`The layout was not done within ${LAYOUT_LIMIT_MS / 1000} s.`)), LAYOUT_LIMIT_MS);
    onAbort = () => stop(new DOMException('Given up', 'AbortError'));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    const done = await Promise.race([used.layout(graph), given]);
    return {
      at: new Map(done.children?.map((child) => [child.id, { x: child.x ?? 0, y: child.y ?? 0 }])),
      width: done.width ?? 0,
      height: done.height ?? 0,
    };
  } finally {
    window.clearTimeout(timer);
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
