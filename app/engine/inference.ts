/** One inference, or a benchmark, on this computer: from a bundle or a bare model, in a runner process. */
import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type Benchmark, EdgewrightError, type ProviderUse, type RawInput, type RunRequest, type RunResult } from '#contract';
import type { BlobStore, Registry, ResolvedBundle, Role } from '#core/bundles';
import { answer, applyRecipe, parseLabels, parseRecipe, type Recipe, readNpz, labelledCases, sliceRows, type Tensor, writeNpz } from '#core/datasets';
import { checkStructure } from '#core/onnx';
import { readFileBounded } from '#core/platform';
import { benchmarkModels, type LoadRequest } from '#core/runtime';
import { LOAD_TIMEOUT_MS, MAX_RAW_INPUT_BYTES, RUN_TIMEOUT_MS } from './limits.ts';
import { WarmRunners } from './warm-runners.ts';

/** Memory a runner may take where no limit is named, in bytes. */
const RUNNER_MEMORY_BYTES = 8 * 1024 ** 3;
/** Largest text file of a bundle read whole (recipe, labels), in bytes. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/** What running a variant needs of its bundle. */
const RUN_ROLES: readonly Role[] = ['model', 'weights', 'recipe', 'labels'];

export interface BenchmarkRequest {
  ref: string;
  threads: number;
  batch: number;
  rounds: number;
  runsPerRound: number;
  ep?: string | undefined;
}

/** What is needed to run a reference, wherever it came from. */
interface Runnable {
  key: string;
  modelPath: string;
  variant?: string;
  memoryBytes: number;
  recipe?: Recipe;
  labels?: string[];
  bundle?: ResolvedBundle;
}

export class Inference {
  readonly #registry: Registry;
  readonly #store: BlobStore;
  readonly #tempDir: string;
  /** Variant digest -> the folder where its files lie by name. Laid out once: a file in use must not be replaced. */
  readonly #laidOut = new Map<string, Promise<string>>();
  readonly #warm = new WarmRunners();

  constructor(deps: { registry: Registry; store: BlobStore; tempDir: string }) {
    this.#registry = deps.registry;
    this.#store = deps.store;
    this.#tempDir = deps.tempDir;
  }

  async run(request: RunRequest, signal?: AbortSignal): Promise<RunResult> {
    const runnable = await this.#resolve(request.ref);
    const bytes = await this.#inputBytes(request.input, runnable);
    const load: LoadRequest = {
      path: runnable.modelPath,
      profile: true,
      ...(request.ep !== undefined && { providers: request.strictEp ? [request.ep] : [...new Set([request.ep, 'cpu'])] }),
      ...(request.strictEp && { strict: true }),
    };
    const key = `${runnable.key} ${request.ep ?? ''} ${request.strictEp}`;
    return this.#warm.with(key, load, { threads: 0, memoryLimitBytes: runnable.memoryBytes }, async (runner, loadMs) => {
      const applied = await applyRecipe(runnable.recipe, bytes, runner.inputs);
      const { outputs, latencyMs } = await runner.run(applied.feeds, { timeoutMs: RUN_TIMEOUT_MS, ...(signal && { signal }) });
      const providers = await runner.providers();
      if (request.output !== undefined) await writeNpz(request.output, new Map(Object.entries(outputs)));
      return {
        ref: request.ref,
        ...(runnable.variant !== undefined && { variant: runnable.variant }),
        answer: answer(runnable.recipe, outputs, runnable.labels),
        outputs: Object.entries(outputs).map(([name, tensor]) => ({ name, type: tensor.type, dims: tensor.dims })),
        latencyMs,
        loadMs,
        memoryBytes: (await runner.memory()).now,
        providers,
        ...(applied.preview && { preview: applied.preview }),
      };
    });
  }

  /** An example input of a bundle, to look at. */
  async example(ref: string, name: string): Promise<{ base64: string; mediaType: string }> {
    const bundle = this.#registry.resolve(ref);
    const bytes = await this.#exampleBytes(bundle, name);
    return { base64: bytes.toString('base64'), mediaType: mediaTypeOf(name) };
  }

  /** Latency, throughput, load time and memory; the input is a sample of the test or calibration set, else zeros. */
  async benchmark(request: BenchmarkRequest, signal?: AbortSignal): Promise<Benchmark & { providers: ProviderUse }> {
    const runnable = await this.#resolve(request.ref);
    const feeds = await this.#benchmarkFeeds(runnable, request.batch);
    const [result] = await benchmarkModels(
      [
        {
          label: basename(runnable.modelPath),
          load: { path: runnable.modelPath, ...(request.ep !== undefined && { providers: [...new Set([request.ep, 'cpu'])] }) },
          feeds,
          memoryLimitBytes: runnable.memoryBytes,
        },
      ],
      {
        threads: request.threads,
        batch: request.batch,
        rounds: request.rounds,
        runsPerRound: request.runsPerRound,
        ...(signal && { signal }),
        timeoutMs: LOAD_TIMEOUT_MS,
      },
    );
    if (!result) throw new EdgewrightError({ code: 'bug', message: 'The benchmark returned nothing.', owner: 'bug' });
    return { ...result.benchmark, providers: result.providers };
  }

  async close(): Promise<void> {
    await this.#warm.close();
    const dirs = await Promise.allSettled(this.#laidOut.values());
    for (const dir of dirs) if (dir.status === 'fulfilled') await rm(dir.value, { recursive: true, force: true });
  }

  async #resolve(ref: string): Promise<Runnable> {
    if (isPath(ref)) {
      // Structure first: a hostile file is refused by our own bounded reader before ONNX Runtime sees it.
      await checkStructure(ref);
      const info = await lstat(ref);
      return { key: `${ref} ${info.size} ${info.mtimeMs}`, modelPath: ref, memoryBytes: RUNNER_MEMORY_BYTES };
    }
    const bundle = this.#registry.resolve(ref);
    const dir = await this.#layOut(bundle);
    const text = async (path: string | undefined) =>
      path === undefined ? undefined : (await readFileBounded(join(dir, path), MAX_TEXT_BYTES)).toString('utf8');
    const [recipe, labels] = [await text(bundle.source.recipe), await text(bundle.source.labels)];
    return {
      key: bundle.variant.digest,
      modelPath: join(dir, bundle.source.model),
      variant: bundle.variant.name,
      memoryBytes: RUNNER_MEMORY_BYTES,
      bundle,
      ...(recipe !== undefined && { recipe: parseRecipe(recipe) }),
      ...(labels !== undefined && { labels: parseLabels(labels) }),
    };
  }

  #layOut(bundle: ResolvedBundle): Promise<string> {
    const { digest } = bundle.variant;
    let laidOut = this.#laidOut.get(digest);
    if (!laidOut) {
      laidOut = (async () => {
        const dir = await mkdtemp(join(this.#tempDir, 'run-'));
        await bundle.materialize(dir, { roles: RUN_ROLES });
        return dir;
      })();
      laidOut.catch(() => this.#laidOut.delete(digest));
      this.#laidOut.set(digest, laidOut);
    }
    return laidOut;
  }

  async #inputBytes(input: RawInput, runnable: Runnable): Promise<Buffer> {
    switch (input.kind) {
      case 'file':
        return readFileBounded(input.path, MAX_RAW_INPUT_BYTES);
      case 'bytes':
        return Buffer.from(input.base64, 'base64');
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

  async #benchmarkFeeds(runnable: Runnable, batch: number): Promise<Record<string, Tensor> | undefined> {
    const files = runnable.bundle ? [...runnable.bundle.files.values()] : [];
    const set = files.find((f) => f.role === 'test') ?? files.find((f) => f.role === 'calibration');
    if (!set) return undefined;
    const { inputs, samples } = labelledCases(await readNpz(this.#store.path(set.digest)));
    return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, sliceRows(tensor, 0, Math.min(batch, samples))]));
  }
}

function isPath(ref: string): boolean {
  return ref.endsWith('.onnx') || ref.includes('/') || ref.includes('\\');
}

function mediaTypeOf(name: string): string {
  const types: Record<string, string> = { '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.webp': 'image/webp' };
  return types[extname(name).toLowerCase()] ?? 'application/octet-stream';
}
