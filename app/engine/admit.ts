/**
 * What a model must show before it is stored: it loads in a limited process, and there reproduces its golden set, or without one runs
 * on made-up inputs. Nothing of it runs in this process.
 */
import { asEdgewrightError, type CheckResult, EdgewrightError, type TensorInfo, type Warning } from '#contract';
import { type Candidate, recipeFilesIn } from '#core/bundles';
import { goldenRule } from '#core/datasets';
import { checkRawGolden, probeLimits, probeModel, runGolden, startRunner } from '#core/runtime';
import type { JobControl } from './jobs.ts';
import { GOLDEN_BATCH, GOLDEN_MEMORY_BYTES, GOLDEN_TIMEOUT_MS } from './limits.ts';

const NO_GOLDEN: Warning = { code: 'bundle.no-golden', message: 'This bundle has no golden set, so nothing proves its answers on another machine.' };

/** Warnings of a trial that leave open whether the model can run at all: enough for a look at a file, not for what will be deployed. */
const UNPROVEN: ReadonlySet<string> = new Set(['load.timeout', 'load.memory', 'load.not-implemented', 'run.timeout', 'run.memory']);

/**
 * How a job has a bundle taken in, whatever it comes from: held to `admit`, stopped and followed through the job.
 * @param warnings what is said on the job is gathered there too
 */
export function takingIn(control: JobControl, warnings: Warning[] = []) {
  return {
    admit: (candidate: Candidate) => admit(candidate, control.signal),
    signal: control.signal,
    onProgress: (p: { step: string; fraction?: number | undefined }) => control.progress(p.step, p.fraction),
    onWarning: (warning: Warning) => {
      warnings.push(warning);
      control.warn(warning);
    },
  };
}

/** @throws model.*, runtime.* and bundle.golden-failed when it must not be stored */
export async function admit(candidate: Candidate, signal?: AbortSignal): Promise<Pick<CheckResult, 'ok' | 'warnings'>> {
  if (candidate.goldenPath !== undefined) {
    await holdToGolden(candidate, candidate.goldenPath, signal);
    return { ok: true, warnings: [] };
  }
  const limits = probeLimits(candidate.facts.bytes);
  const { warnings } = await probeModel(candidate.modelPath, { ...limits, memoryBytes: candidate.limits.memoryBytes ?? limits.memoryBytes, signal });
  const open = warnings.find((warning) => UNPROVEN.has(warning.code));
  if (open) {
    throw new EdgewrightError({
      code: `model.${open.code.replace('.', '-')}`,
      message: open.message,
      hint: 'Add a golden set: with one, the bundle is judged by inputs that are known to suit the model.',
      owner: 'input',
    });
  }
  return { ok: true, warnings: [...warnings, NO_GOLDEN] };
}

async function holdToGolden(candidate: Candidate, goldenPath: string, signal: AbortSignal | undefined): Promise<void> {
  const { timeoutMs, memoryBytes } = probeLimits(candidate.facts.bytes);
  const runner = await startRunner({
    threads: 1,
    writes: false,
    memoryLimitBytes: candidate.limits.memoryBytes ?? memoryBytes + GOLDEN_MEMORY_BYTES,
    label: `check ${candidate.name}`,
    signal,
  });
  try {
    await runner.load({ path: candidate.modelPath }, { signal, timeoutMs });
    const golden = await runGolden(runner, goldenPath, goldenRule(candidate.precision, candidate.tolerances, candidate.metric), {
      signal,
      timeoutMs: GOLDEN_TIMEOUT_MS,
      batch: GOLDEN_BATCH,
    });
    if (golden.pass) return await holdToRawInputs(candidate, runner.inputs, signal);
    throw new EdgewrightError({
      code: 'bundle.golden-failed',
      message: `${candidate.name}@${candidate.version} does not reproduce its golden set on this computer: ${golden.worst ?? golden.rule}.`,
      expected: golden.rule,
      found: `largest error ${golden.maxAbsError}`,
      hint: 'Check that model and golden set belong together, and that the exporter and the recipe prepare inputs alike.',
      owner: 'gate',
    });
  } catch (thrown) {
    const error = asEdgewrightError(thrown);
    // Here it is the model that is judged, by limits that suit any: that it passed them is not this computer's fault.
    if (error.code !== 'runtime.timeout' && error.code !== 'runtime.memory') throw error;
    throw new EdgewrightError({ ...error.toBody(), code: error.code.replace('runtime.', 'model.run-'), owner: 'input' }, { cause: error });
  } finally {
    await runner.close();
  }
}

/** The recipe must make of the raw inputs what the exporter made of them, or people would ask the model something else than it was tested with. */
async function holdToRawInputs(candidate: Candidate, inputs: readonly TensorInfo[], signal: AbortSignal | undefined): Promise<void> {
  const { dir, goldenRaw, source } = candidate;
  if (goldenRaw.length === 0 || source.recipe === undefined || source.golden === undefined) return;
  const { recipe, golden, rawTolerance } = source;
  const files = recipeFilesIn(dir, new Set(candidate.paths));
  const mismatch = await checkRawGolden({ dir, recipe, golden, raw: goldenRaw, files, tolerance: rawTolerance }, inputs, signal);
  if (!mismatch) return;
  throw new EdgewrightError({
    code: 'bundle.raw-mismatch',
    message: `The recipe of ${candidate.name}@${candidate.version} prepares inputs otherwise than its golden set: ${mismatch.message}.`,
    hint: `Change ${recipe}, or where the difference is meant to be, the tolerance: golden.rawTolerance.`,
    owner: 'gate',
  });
}
