/** Looking into models: by path or from a bundle, each read in a process of its own that is kept for a while, so that a screen's next question is quick. */
import { createHash } from 'node:crypto';
import {
  type InspectRequest,
  type ModelReport,
  type Neighbourhood,
  type NeighbourhoodRequest,
  type NodeDetail,
  type NodesRequest,
  type Outline,
  type OutlineRequest,
  EdgewrightError,
  type TensorsRequest,
  type TensorStats,
} from '#contract';
import { ModelReader } from '#core/onnx';
import { KEPT_MODEL_IDLE_MS, KEPT_MODELS } from './limits.ts';
import type { Runnables } from './runnables.ts';

interface Kept {
  /** For this model alone: what it does to a process harms no question about another. */
  reader: ModelReader;
  path: string;
  /** Names this state of the file in cursors. */
  mark: string;
  timer: NodeJS.Timeout | undefined;
  /** Questions it has not answered yet. */
  asked: number;
}

export class Models {
  readonly #runnables: Runnables;
  /** By path, size and time of change, or by the variant's digest; the one used last stands last. */
  readonly #kept = new Map<string, Kept>();
  /** Resolved when a model is no longer being asked about. */
  #idle = Promise.withResolvers<void>();

  constructor(deps: { runnables: Runnables }) {
    this.#runnables = deps.runnables;
  }

  /** @throws model.* when it cannot be read, usage.unknown-bundle, bundle.not-usable */
  inspect({ ref, largest }: InspectRequest): Promise<ModelReport> {
    return this.#with(ref, ({ reader, path }) => reader.ask('report', { path, ref, largest }));
  }

  nodes({ ref, cursor, ...request }: NodesRequest) {
    return this.#with(ref, async ({ reader, path, mark }) => {
      const { last, ...page } = await reader.ask('nodes', { ...request, path, after: positionOf(cursor, mark) });
      return { ...page, ...(last !== undefined && { next: `${mark} ${last}` }) };
    });
  }

  node(ref: string, id: string): Promise<NodeDetail> {
    return this.#with(ref, ({ reader, path }) => reader.ask('node', { path, id }));
  }

  neighbourhood({ ref, of, limit }: NeighbourhoodRequest): Promise<Neighbourhood> {
    return this.#with(ref, ({ reader, path }) => reader.ask('neighbourhood', { path, of, limit }));
  }

  outline({ ref, graph, part }: OutlineRequest): Promise<Outline> {
    return this.#with(ref, ({ reader, path }) => reader.ask('outline', { path, graph, part }));
  }

  tensors({ ref, cursor, ...request }: TensorsRequest) {
    return this.#with(ref, async ({ reader, path, mark }) => {
      const after = positionOf(cursor, mark);
      const { last, ...page } = await reader.ask('tensors', { ...request, path, after: after === undefined ? undefined : Number(after) });
      return { ...page, ...(last !== undefined && { next: `${mark} ${last}` }) };
    });
  }

  tensorStats(ref: string, id: string, signal?: AbortSignal): Promise<TensorStats> {
    return this.#with(ref, ({ reader, path }) => reader.ask('tensorStats', { path, id }, { signal }));
  }

  async close(): Promise<void> {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    for (const kept of all) clearTimeout(kept.timer);
    await Promise.all(all.map((kept) => kept.reader.close()));
  }

  async #with<T>(ref: string, work: (kept: Kept) => Promise<T>): Promise<T> {
    const { key, modelPath } = await this.#runnables.locate(ref);
    const kept = await this.#take(key, modelPath);
    try {
      return await work(kept);
    } finally {
      kept.asked--;
      if (kept.asked === 0) {
        if (this.#kept.get(key) === kept) kept.timer = setTimeout(() => this.#drop(key), KEPT_MODEL_IDLE_MS).unref();
        const { resolve } = this.#idle;
        this.#idle = Promise.withResolvers();
        resolve();
      }
    }
  }

  /** Waits where KEPT_MODELS others are being asked: each process may take as much memory as one may. */
  async #take(key: string, path: string): Promise<Kept> {
    for (;;) {
      const there = this.#kept.get(key);
      const oldest = [...this.#kept].find(([, one]) => one.asked === 0)?.[0];
      if (!there && this.#kept.size >= KEPT_MODELS && oldest === undefined) {
        await this.#idle.promise;
        continue;
      }
      if (!there && this.#kept.size >= KEPT_MODELS && oldest !== undefined) this.#drop(oldest);
      const mark = createHash('sha256').update(key).digest('hex').slice(0, 16);
      const kept = there ?? { reader: new ModelReader(), path, mark, timer: undefined, asked: 0 };
      clearTimeout(kept.timer);
      kept.asked++;
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    clearTimeout(kept?.timer);
    kept?.reader.kill();
  }
}

/** What a cursor says after the mark of the model it was made for. @throws usage.model-changed, usage.cursor */
function positionOf(cursor: string | undefined, mark: string): string | undefined {
  if (cursor === undefined) return undefined;
  const [from, position = ''] = cursor.split(' ');
  if (from !== mark) {
    throw new EdgewrightError({
      code: 'usage.model-changed',
      message: 'The model has changed since the page before was read.',
      hint: 'Read the list again from its beginning.',
      owner: 'usage',
    });
  }
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(position))
    throw new EdgewrightError({
      code: 'usage.cursor',
      message: 'This is not where a page begins.',
      hint: 'Pass on `next` of the page before.',
      owner: 'usage',
    });
  return position;
}
