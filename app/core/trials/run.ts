/**
 * Carries a trial out: asks the plan for the next step, does it, writes the result into the trial, saves, asks again.
 * A variant that fails stops there and the others go on; a cancel stops at once and keeps what was measured.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { abortError, type Clock } from '#core/platform';
import { asEdgewrightError, EdgewrightError, type Trial, type TrialVariant } from '#contract';
import type { BlobStore, LayerFile, Registry, ResolvedBundle, Role } from '#core/bundles';
import { AGREEMENT, goldenRule, labelledCases, readNpz, sliceRows, type Tensor } from '#core/datasets';
import { benchmarkModels, evaluate, referenceOutput, type Runner, RUNNER_MEMORY_BYTES, runGolden } from '#core/runtime';
import { judgeGate, parseGate } from './gates.ts';
import { MAKE_TIMEOUT_MS, WARM_UP_RUNS } from './limits.ts';
import { markPareto } from './pareto.ts';
import { describeStep, fractionDone, nextStep, type Step, stageAfter } from './plan.ts';
import { type ApartRequest, quantizeApart } from './quantize-apart.ts';
import { VariantRunner } from './variant-runner.ts';
import { recipeOf } from './variants.ts';
import { decide } from './verdict.ts';

/** The name under which measurements of the machine that runs the trial are shown. */
export const THIS_COMPUTER = 'this computer';

/** What a runner needs of a bundle. */
const MODEL_ROLES: readonly Role[] = ['model', 'weights'];

export interface TrialContext {
  bundle: ResolvedBundle;
  registry: Registry;
  store: BlobStore;
  /** A folder of its own, removed by the caller. */
  workDir: string;
  clock: Clock;
  signal: AbortSignal;
  onProgress: (progress: { step: string; fraction: number }) => void;
  /** Called after every change, so that a screen can follow and nothing measured is lost. */
  save: (trial: Trial) => void;
  /** Keeps every counted run in ms, so that the figures can be computed again. */
  saveSamples: (variant: string, machine: string, samplesMs: Float64Array) => void;
}

/**
 * @returns the trial as it ended; it is saved as well
 * @throws AbortError when cancelled (the trial is saved as `cancelled` before)
 */
export async function runTrial(trial: Trial, context: TrialContext): Promise<Trial> {
  const executor = new Executor(trial, context);
  const deadline = AbortSignal.timeout(Math.round(trial.spec.budgetMinutes * 60_000));
  const signal = AbortSignal.any([context.signal, deadline]);
  try {
    for (let step = nextStep(trial); step; step = nextStep(trial)) {
      if (signal.aborted) throw abortError();
      context.onProgress({ step: describeStep(step), fraction: fractionDone(trial) });
      await executor.execute(step, signal);
      context.save(trial);
    }
    trial.state = 'done';
    return trial;
  } catch (thrown) {
    const outOfTime = deadline.aborted && !context.signal.aborted;
    const error = outOfTime
      ? new EdgewrightError({
          code: 'gate.budget',
          message: `The trial's budget of ${trial.spec.budgetMinutes} minutes is spent.`,
          hint: 'Raise the budget, or try fewer variants or rounds.',
          owner: 'gate',
        })
      : asEdgewrightError(thrown);
    trial.state = context.signal.aborted ? 'cancelled' : 'failed';
    trial.error = error.toBody();
    trial.variants = trial.variants.map((v) => (v.stage === 'done' || v.stage === 'failed' ? v : { ...v, stage: 'not run' }));
    throw error;
  } finally {
    trial.endedAt = context.clock.now();
    delete trial.jobId;
    context.save(trial);
    await executor.close();
  }
}

class Executor {
  readonly #trial: Trial;
  readonly #context: TrialContext;
  readonly #modelPaths = new Map<string, string>();
  readonly #runner: VariantRunner;
  /** What the bundle's own model answers on the test set, for a metric that compares with it. */
  #reference: Tensor | undefined;

  constructor(trial: Trial, context: TrialContext) {
    this.#trial = trial;
    this.#context = context;
    this.#runner = new VariantRunner({ threads: trial.spec.threads, label: `trial ${trial.ref}` });
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }

  async execute(step: Step, signal: AbortSignal): Promise<void> {
    if (step.kind === 'judge') return this.#judge();
    if (step.kind === 'benchmark') return this.#benchmark(step.variants, signal);
    const variant = this.#variant(step.variant);
    try {
      if (step.kind === 'make') await this.#make(variant, signal);
      if (step.kind === 'load') await this.#load(variant, signal);
      if (step.kind === 'golden') await this.#golden(variant, signal);
      if (step.kind === 'score') await this.#score(variant, signal);
      variant.stage = stageAfter(step.kind);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#fail(variant, error);
    }
  }

  async #make(variant: TrialVariant, signal: AbortSignal): Promise<void> {
    variant.stage = 'making';
    this.#context.save(this.#trial);
    const { workDir, registry } = this.#context;
    // Already in the bundle, from its build or an earlier trial: the same bytes are tried again.
    const known = registry.list().find((b) => `${b.name}@${b.version}` === this.#trial.ref)?.variants ?? [];
    if (known.some((v) => v.name === variant.name)) {
      const there = registry.resolve(`${this.#trial.ref}#${variant.name}`);
      const dir = join(workDir, variant.name);
      await there.materialize(dir, { roles: MODEL_ROLES, signal });
      this.#modelPaths.set(variant.name, join(dir, there.source.model));
      variant.digest = there.variant.digest;
      variant.bytes = there.variant.bytes;
      return;
    }
    const recipe = recipeOf(variant.name);
    const basePath = this.#modelPaths.get(this.#base().name);
    if (basePath === undefined) throw new EdgewrightError({ code: 'bundle.no-base', message: 'The variant to quantize from did not load.', owner: 'input' });
    const outputPath = join(workDir, `${variant.name}.onnx`);
    const request: ApartRequest = { ...recipe.quantize, modelPath: basePath, outputPath };
    if (recipe.needsCalibration) request.calibration = this.#dataPath('calibration', variant.name);
    const made = await quantizeApart(request, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(MAKE_TIMEOUT_MS)]),
      onProgress: (p) => this.#context.onProgress({ step: `${variant.name}: ${p.step}`, fraction: fractionDone(this.#trial) }),
    });
    variant.warnings.push(...made.warnings);
    variant.bytes = (await stat(outputPath)).size;
    this.#modelPaths.set(variant.name, outputPath);
  }

  async #load(variant: TrialVariant, signal: AbortSignal): Promise<void> {
    await this.#runnerWith(variant.name, signal);
  }

  async #golden(variant: TrialVariant, signal: AbortSignal): Promise<void> {
    const { bundle } = this.#context;
    const file = this.#file('golden');
    if (!file) {
      variant.warnings.push({ code: 'trial.no-golden', message: 'The bundle has no golden set, so its rule could not be checked.' });
      return;
    }
    const runner = await this.#runnerWith(variant.name, signal);
    const rule = goldenRule(variant.name, bundle.source.tolerances, bundle.source.metric);
    const { samples: _samples, ...result } = await runGolden(runner, this.#context.store.path(file.digest), rule, { signal });
    variant.golden = result;
  }

  async #score(variant: TrialVariant, signal: AbortSignal): Promise<void> {
    const { bundle } = this.#context;
    const metric = bundle.source.metric;
    const compares = metric?.name === AGREEMENT;
    // A set without labels will do for a metric that needs none.
    const file = this.#file('test') ?? (compares ? this.#file('calibration') : undefined);
    if (file && metric) {
      const set = this.#context.store.path(file.digest);
      if (compares) this.#reference ??= await referenceOutput(await this.#runnerWith(this.#base().name, signal), set, metric, { signal });
      const runner = await this.#runnerWith(variant.name, signal);
      variant.metric = await evaluate(runner, set, metric, {
        signal,
        reference: this.#reference,
        onProgress: (p) => this.#context.onProgress({ step: `scoring ${variant.name}: ${p.step}`, fraction: fractionDone(this.#trial) }),
      });
      this.#holdToMaxDrop(variant);
    } else {
      variant.warnings.push({ code: 'trial.no-test-set', message: 'The bundle has no test set or metric, so accuracy was not scored.' });
    }
    if (variant.digest === undefined && variant.golden?.pass !== false) await this.#keep(variant);
    else await this.#note(variant);
  }

  /** The second half of a quantized variant's golden rule: the metric may fall only so far below fp32. */
  #holdToMaxDrop(variant: TrialVariant): void {
    const base = this.#base().metric;
    const { metric, golden } = variant;
    const rule = goldenRule(variant.name, this.#context.bundle.source.tolerances, this.#context.bundle.source.metric);
    if (variant === this.#base() || !base || !metric || !golden || !('maxDrop' in rule) || rule.maxDrop === undefined) return;
    const drop = metric.higherIsBetter ? base.value - metric.value : metric.value - base.value;
    golden.rule = `${golden.rule}; ${metric.name} at most ${rule.maxDrop} worse than ${this.#base().name}`;
    if (drop > rule.maxDrop) {
      golden.pass = false;
      golden.worst ??= `${metric.name} ${+metric.value.toPrecision(4)}, ${+drop.toPrecision(3)} worse than ${this.#base().name}`;
    }
  }

  /** It loaded, ran and kept its golden rule: from now on it can be deployed. */
  async #keep(variant: TrialVariant): Promise<void> {
    const modelPath = this.#modelPaths.get(variant.name);
    if (modelPath === undefined) return;
    const { precision, quantization } = recipeOf(variant.name);
    const kept = await this.#context.registry.addVariant(this.#trial.ref, { name: variant.name, modelPath, precision, quantization, metric: variant.metric });
    variant.digest = kept.digest;
    variant.bytes = kept.bytes;
  }

  /** What it scored goes into the bill of materials of a variant that is stored already. */
  async #note(variant: TrialVariant): Promise<void> {
    const { registry, bundle } = this.#context;
    if (variant.digest === undefined || variant.metric === undefined) return;
    await registry.noteMetric(bundle, variant.name, variant.metric);
  }

  async #benchmark(names: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#runner.close();
    const { spec } = this.#trial;
    const feeds = await this.#benchmarkFeeds();
    const results = await benchmarkModels(
      names.map((name) => ({ label: name, load: { path: this.#modelPaths.get(name) ?? '' }, feeds, memoryLimitBytes: RUNNER_MEMORY_BYTES })),
      {
        threads: spec.threads,
        rounds: spec.rounds,
        runsPerRound: spec.runsPerRound,
        warmup: WARM_UP_RUNS,
        signal,
        onProgress: (p) =>
          this.#context.onProgress({
            step: p.step,
            fraction: fractionDone(this.#trial) + ((p.fraction ?? 0) * names.length * 2) / (6 * this.#trial.variants.length),
          }),
      },
    );
    for (const { label, benchmark, providers, samplesMs } of results) {
      const variant = this.#variant(label);
      this.#context.saveSamples(label, THIS_COMPUTER, samplesMs);
      variant.machines = [{ device: THIS_COMPUTER, benchmark, providers }];
      variant.stage = 'done';
    }
  }

  #judge(): void {
    const gates = this.#trial.spec.gates.map(parseGate);
    const judged = this.#trial.variants.map((v) => (v.stage === 'done' ? { ...v, gates: gates.map((g) => judgeGate(g, v, this.#trial.variants)) } : v));
    this.#trial.variants = markPareto(judged);
    this.#trial.verdict = decide(this.#trial.variants);
  }

  #fail(variant: TrialVariant, thrown: unknown): void {
    variant.stage = 'failed';
    variant.error = asEdgewrightError(thrown).toBody();
    // A runner that failed in any way is not trusted with the next variant.
    this.#runner.kill();
  }

  #runnerWith(name: string, signal: AbortSignal): Promise<Runner> {
    return this.#runner.holding(this.#modelPaths.get(name) ?? '', signal);
  }

  /** One sample of the test set (else of the calibration set): what the benchmark runs again and again. */
  async #benchmarkFeeds(): Promise<Record<string, Tensor> | undefined> {
    const file = this.#file('test') ?? this.#file('calibration');
    if (!file) return undefined;
    const { inputs } = labelledCases(await readNpz(this.#context.store.path(file.digest)));
    return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, sliceRows(tensor, 0, 1)]));
  }

  #dataPath(role: 'calibration', variant: string): string {
    const file = this.#file(role);
    if (file) return this.#context.store.path(file.digest);
    throw new EdgewrightError({
      code: 'bundle.no-calibration',
      message: `${variant} needs a calibration set, and the bundle has none.`,
      hint: 'Name one in edgewright.yaml: calibration: calibration.npz',
      owner: 'input',
    });
  }

  /** The variant the others are made from and held against: the bundle's own. */
  #base(): TrialVariant {
    const [base] = this.#trial.variants;
    if (!base) throw new EdgewrightError({ code: 'bug', message: 'A trial without a variant.', owner: 'bug' });
    return base;
  }

  #file(role: Role): LayerFile | undefined {
    return [...this.#context.bundle.files.values()].find((f) => f.role === role);
  }

  #variant(name: string): TrialVariant {
    const variant = this.#trial.variants.find((v) => v.name === name);
    if (!variant) throw new EdgewrightError({ code: 'bug', message: `The plan names ${name}, which is not in the trial.`, owner: 'bug' });
    return variant;
  }
}
