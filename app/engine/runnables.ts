/** What a person names, a bundle or a bare model, as files that a runner can load. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { recipeFilesIn, type Registry, type ResolvedBundle, type Role } from '#core/bundles';
import { type BundleFiles, NO_FILES, parseLabels, parseRecipe, type Recipe } from '#core/datasets';
import { checkStructureApart } from '#core/onnx';
import { readFileBounded } from '#core/platform';
import { RUNNER_MEMORY_BYTES } from '#core/runtime';

/** Largest text file of a bundle read whole (recipe, labels), in bytes. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;
/** What running a variant needs of its bundle. */
const RUN_ROLES: readonly Role[] = ['model', 'weights', 'recipe', 'labels', 'tokenizer'];

/** What is needed to run a reference, wherever it came from. */
export interface Runnable {
  key: string;
  modelPath: string;
  variant?: string;
  memoryBytes: number;
  recipe?: Recipe;
  labels?: string[];
  /** Further files the recipe names. */
  files: BundleFiles;
  bundle?: ResolvedBundle;
}

interface LaidOut {
  dir: string;
  files: BundleFiles;
}

export class Runnables {
  readonly #registry: Registry;
  readonly #tempDir: string;
  /** Variant digest -> the folder where its files lie by name. Laid out once: a file in use must not be replaced. */
  readonly #laidOut = new Map<string, Promise<LaidOut>>();

  constructor(deps: { registry: Registry; tempDir: string }) {
    this.#registry = deps.registry;
    this.#tempDir = deps.tempDir;
  }

  /**
   * Where the model of a reference lies, and what names this state of it. A bare file is not judged.
   * @throws bundle.not-usable, usage.unknown-bundle, usage.missing-file
   */
  async locate(ref: string): Promise<{ key: string; modelPath: string; bundle?: ResolvedBundle }> {
    if (isPath(ref)) {
      const info = await stat(ref);
      return { key: `${ref} ${info.size} ${info.mtimeMs} ${info.ino}`, modelPath: ref };
    }
    const bundle = this.#registry.resolve(ref);
    const { dir } = await this.#layOut(bundle);
    return { key: bundle.variant.digest, modelPath: join(dir, bundle.source.model), bundle };
  }

  /** @throws model.* when a bare model is unsound, bundle.not-usable, usage.unknown-bundle */
  async resolve(ref: string, signal?: AbortSignal): Promise<Runnable> {
    // Structure first: a hostile file is refused by our own bounded reader, in its own process, before ONNX Runtime sees it.
    if (isPath(ref)) await checkStructureApart(ref, { signal });
    const { key, modelPath, bundle } = await this.locate(ref);
    if (!bundle) return { key, modelPath, memoryBytes: RUNNER_MEMORY_BYTES, files: NO_FILES };
    const { dir, files } = await this.#layOut(bundle);
    const text = async (path: string | undefined) =>
      path === undefined ? undefined : (await readFileBounded(join(dir, path), MAX_TEXT_BYTES)).toString('utf8');
    const [recipe, labels] = [await text(bundle.source.recipe), await text(bundle.source.labels)];
    return {
      key,
      modelPath,
      variant: bundle.variant.name,
      memoryBytes: RUNNER_MEMORY_BYTES,
      files,
      bundle,
      ...(recipe !== undefined && { recipe: parseRecipe(recipe) }),
      ...(labels !== undefined && { labels: parseLabels(labels) }),
    };
  }

  #layOut(bundle: ResolvedBundle): Promise<LaidOut> {
    const { digest } = bundle.variant;
    let laidOut = this.#laidOut.get(digest);
    if (!laidOut) {
      laidOut = (async () => {
        const dir = await mkdtemp(join(this.#tempDir, 'run-'));
        await bundle.materialize(dir, { roles: RUN_ROLES });
        return { dir, files: recipeFilesIn(dir, new Set(bundle.files.keys())) };
      })();
      laidOut.catch(() => this.#laidOut.delete(digest));
      this.#laidOut.set(digest, laidOut);
    }
    return laidOut;
  }

  async close(): Promise<void> {
    const dirs = await Promise.allSettled(this.#laidOut.values());
    for (const dir of dirs) if (dir.status === 'fulfilled') await rm(dir.value.dir, { recursive: true, force: true });
  }
}

function isPath(ref: string): boolean {
  return ref.endsWith('.onnx') || ref.includes('/') || ref.includes('\\');
}
