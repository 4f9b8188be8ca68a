/** Looking into models: by path or from a bundle, read once and kept for a while, so that a screen's next question is quick. */
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
import { ModelIndex, neighbourhoodOf, nodeDetail, nodePage, outlineOf, readModel, reportOn, tensorPage, tensorStats } from '#core/onnx';
import { KEPT_MODEL_IDLE_MS, KEPT_MODELS } from './limits.ts';
import type { Runnables } from './runnables.ts';

interface Kept {
  index: Promise<ModelIndex>;
  /** Names this state of the file in cursors. */
  mark: string;
  timer: NodeJS.Timeout | undefined;
}

export class Models {
  readonly #runnables: Runnables;
  /** By path, size and time of change, or by the variant's digest; the one used last stands last. */
  readonly #kept = new Map<string, Kept>();

  constructor(deps: { runnables: Runnables }) {
    this.#runnables = deps.runnables;
  }

  /** @throws model.* when it cannot be read, usage.unknown-bundle, bundle.not-usable */
  async inspect(request: InspectRequest): Promise<ModelReport> {
    return reportOn((await this.#open(request.ref)).index, request);
  }

  async nodes(request: NodesRequest) {
    const { index, mark } = await this.#open(request.ref);
    const { last, ...page } = nodePage(index, { ...request, after: positionOf(request.cursor, mark) });
    return { ...page, ...(last !== undefined && { next: `${mark} ${last}` }) };
  }

  async node(ref: string, id: string): Promise<NodeDetail> {
    return nodeDetail((await this.#open(ref)).index, id);
  }

  async neighbourhood(request: NeighbourhoodRequest): Promise<Neighbourhood> {
    return neighbourhoodOf((await this.#open(request.ref)).index, request.of, request.limit);
  }

  async outline(request: OutlineRequest): Promise<Outline> {
    return outlineOf((await this.#open(request.ref)).index, request.graph, request.part);
  }

  async tensors(request: TensorsRequest) {
    const { index, mark } = await this.#open(request.ref);
    const after = positionOf(request.cursor, mark);
    const { last, ...page } = tensorPage(index, { ...request, after: after === undefined ? undefined : Number(after) });
    return { ...page, ...(last !== undefined && { next: `${mark} ${last}` }) };
  }

  async tensorStats(ref: string, id: string, signal?: AbortSignal): Promise<TensorStats> {
    return tensorStats((await this.#open(ref)).index, id, signal ? { signal } : {});
  }

  close(): void {
    for (const kept of this.#kept.values()) clearTimeout(kept.timer);
    this.#kept.clear();
  }

  async #open(ref: string): Promise<{ index: ModelIndex; mark: string }> {
    const { key, modelPath } = await this.#runnables.locate(ref);
    let kept = this.#kept.get(key);
    if (kept) this.#kept.delete(key);
    else {
      kept = {
        index: readModel(modelPath).then((model) => new ModelIndex(model)),
        mark: createHash('sha256').update(key).digest('hex').slice(0, 16),
        timer: undefined,
      };
      kept.index.catch(() => this.#drop(key));
    }
    this.#kept.set(key, kept);
    clearTimeout(kept.timer);
    kept.timer = setTimeout(() => this.#drop(key), KEPT_MODEL_IDLE_MS).unref();
    for (const old of [...this.#kept.keys()].slice(0, -KEPT_MODELS)) this.#drop(old);
    return { index: await kept.index, mark: kept.mark };
  }

  #drop(key: string): void {
    clearTimeout(this.#kept.get(key)?.timer);
    this.#kept.delete(key);
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
