/** One inference on this computer: from a bundle or a bare model, in a runner process. */
import { basename, extname } from 'node:path';
import { asEdgewrightError, EdgewrightError, type RawInput, type RunEvent, type RunRequest, type RunResult } from '#contract';
import type { BlobStore, Registry, ResolvedBundle } from '#core/bundles';
import { infer, type Tensor, writeNpz } from '#core/datasets';
import { checkReplaceable, readFileBounded } from '#core/platform';
import { type LoadRequest, runAll } from '#core/runtime';
import { MAX_RAW_INPUT_BYTES, RUN_TIMEOUT_MS } from './limits.ts';
import type { Runnable, Runnables } from './runnables.ts';
import { checkProvider } from './check-provider.ts';
import { WarmRunners } from './warm-runners.ts';

export class Inference {
  readonly #registry: Registry;
  readonly #store: BlobStore;
  readonly #runnables: Runnables;
  readonly #warm = new WarmRunners();

  constructor(deps: { registry: Registry; store: BlobStore; runnables: Runnables }) {
    this.#registry = deps.registry;
    this.#store = deps.store;
    this.#runnables = deps.runnables;
  }

  /** @param onText told generated text as it grows */
  async run(request: RunRequest, signal?: AbortSignal, onText?: (text: string) => void): Promise<RunResult> {
    if (request.output !== undefined) await checkReplaceable(request.output);
    const runnable = await this.#runnables.resolve(request.ref, signal);
    const bytes = await this.#inputBytes(request.input, runnable);
    if (request.ep === undefined || request.ep === 'cpu') return this.#runOn(['cpu'], runnable, bytes, request, signal, onText);
    const { ep, strictEp } = request;
    checkProvider(ep);
    if (strictEp) return this.#runOn([ep], runnable, bytes, request, signal, onText);
    try {
      return await this.#runOn([ep, 'cpu'], runnable, bytes, request, signal, onText);
    } catch (thrown) {
      // ONNX Runtime refuses the whole session when a provider's libraries are missing; without --strict-ep the CPU answers, and it is said.
      const error = asEdgewrightError(thrown);
      if (error.code !== 'runtime.provider-failed') throw error;
      const result = await this.#runOn(['cpu'], runnable, bytes, request, signal, onText);
      const reason = error.found ?? error.message;
      return { ...result, providers: { ...result.providers, requested: [ep, 'cpu'], fallbacks: [{ node: 'every node', op: '', provider: 'cpu', reason }] } };
    }
  }

  #runOn(
    requested: readonly string[],
    runnable: Runnable,
    bytes: Buffer,
    request: RunRequest,
    signal: AbortSignal | undefined,
    onText: ((text: string) => void) | undefined,
  ): Promise<RunResult> {
    const load: LoadRequest = { path: runnable.modelPath, profile: true, providers: requested, ...(request.strictEp && { strict: true }) };
    const key = `${runnable.key} ${requested.join()} ${request.strictEp}`;
    return this.#warm.with(key, load, { threads: 0, memoryLimitBytes: runnable.memoryBytes }, async (runner, loadMs) => {
      // Stopping a run costs the loaded model. Generated text is stopped between two tokens, which costs nothing.
      const stoppable = runnable.recipe?.answer?.kind === 'generate' ? undefined : signal;
      const options = { timeoutMs: RUN_TIMEOUT_MS, ...(stoppable && { signal: stoppable }) };
      let latencyMs = 0;
      const run = async (feeds: Record<string, Tensor>, rows?: number) => {
        const done = rows === undefined ? await runner.run(feeds, options) : await runAll(runner, feeds, rows, options);
        latencyMs += done.latencyMs;
        return done.outputs;
      };
      const plan = { recipe: runnable.recipe, labels: runnable.labels, files: runnable.files, inputs: runner.inputs };
      const { applied, outputs, answer } = await infer(plan, bytes, { run, generation: request.generation, onText, signal });
      const providers = await runner.providers();
      if (request.output !== undefined) await writeNpz(request.output, new Map(Object.entries(outputs)));
      return {
        ref: request.ref,
        ...(runnable.variant !== undefined && { variant: runnable.variant }),
        answer,
        outputs: Object.entries(outputs).map(([name, tensor]) => ({ name, type: tensor.type, dims: tensor.dims })),
        latencyMs,
        loadMs,
        memoryBytes: (await runner.memory()).now,
        providers,
        ...(applied.preview && { preview: applied.preview }),
      };
    });
  }

  /** The same as run, with generated text as it grows; ends with the result. */
  async *stream(request: RunRequest, signal?: AbortSignal): AsyncGenerator<RunEvent, void> {
    const abandoned = new AbortController();
    const waiting: RunEvent[] = [];
    let wake = () => {};
    let ended = false;
    const tell = (event: RunEvent) => {
      waiting.push(event);
      wake();
    };
    const work = this.run(request, AbortSignal.any([abandoned.signal, ...(signal ? [signal] : [])]), (text) => tell({ kind: 'text', text }))
      .then((result) => tell({ kind: 'result', result }))
      .finally(() => {
        ended = true;
        wake();
      });
    try {
      for (;;) {
        yield* waiting.splice(0);
        if (waiting.length > 0) continue;
        if (ended) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      await work;
    } finally {
      // Whoever reads no further wants no more of it.
      abandoned.abort();
      await work.catch(() => {});
    }
  }

  /** An example input of a bundle, to look at. */
  async example(ref: string, name: string): Promise<{ base64: string; mediaType: string }> {
    const bundle = this.#registry.resolve(ref);
    const bytes = await this.#exampleBytes(bundle, name);
    return { base64: bytes.toString('base64'), mediaType: mediaTypeOf(name) };
  }

  /** What runners find on this computer has changed. */
  renewRunners(): void {
    this.#warm.renew();
  }

  async close(): Promise<void> {
    await this.#warm.close();
  }

  async #inputBytes(input: RawInput, runnable: Runnable): Promise<Buffer> {
    switch (input.kind) {
      case 'file':
        return readFileBounded(input.path, MAX_RAW_INPUT_BYTES);
      case 'bytes':
        return Buffer.from(input.base64, 'base64');
      case 'text':
        return textBytes(input.text);
      case 'example':
        if (!runnable.bundle)
          throw new EdgewrightError({ code: 'usage.no-examples', message: 'A bare model has no examples.', hint: 'Give a file with --input.', owner: 'usage' });
        return this.#exampleBytes(runnable.bundle, input.name);
    }
  }

  async #exampleBytes(bundle: ResolvedBundle, name: string): Promise<Buffer> {
    const file = [...bundle.files].find(([path, f]) => f.role === 'example' && (path === name || basename(path) === name));
    if (!file)
      throw new EdgewrightError({ code: 'usage.unknown-example', message: `${bundle.name}@${bundle.version} has no example named ${name}.`, owner: 'usage' });
    return this.#store.read(file[1].digest, MAX_RAW_INPUT_BYTES);
  }
}

/** @throws text.not-unicode (input): half of a character cannot be written as UTF-8 */
function textBytes(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  throw new EdgewrightError({
    code: 'text.not-unicode',
    message: 'The text holds half of a character (a lone surrogate).',
    expected: 'Unicode text',
    owner: 'input',
  });
}

function mediaTypeOf(name: string): string {
  const types: Record<string, string> = { '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.webp': 'image/webp' };
  return types[extname(name).toLowerCase()] ?? 'application/octet-stream';
}
