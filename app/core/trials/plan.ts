/**
 * What a trial does next, computed from what is already known. Pure: the executor carries one step out, writes its result
 * into the trial, and asks again. So a trial can be shown, cancelled and tested without running anything.
 */
import type { Trial, TrialVariant } from '#contract';

export type Step =
  | { kind: 'make'; variant: string }
  | { kind: 'load'; variant: string }
  | { kind: 'golden'; variant: string }
  | { kind: 'score'; variant: string }
  | { kind: 'benchmark'; variants: string[] }
  | { kind: 'judge' };

/** The base first: the others are held against its score. Then each variant to the end of its checks, then all together. */
export function nextStep(trial: Pick<Trial, 'variants' | 'verdict'>): Step | undefined {
  if (trial.verdict) return undefined;
  for (const variant of trial.variants) {
    const step = nextCheck(variant);
    if (step) return step;
  }
  const ready = trial.variants.filter((v) => v.stage === 'benchmarking').map((v) => v.name);
  // One step for all of them: their rounds interleave, so that heat and noise hit each alike.
  if (ready.length > 0) return { kind: 'benchmark', variants: ready };
  return { kind: 'judge' };
}

function nextCheck(variant: TrialVariant): Step | undefined {
  switch (variant.stage) {
    case 'waiting':
    case 'making':
      return { kind: 'make', variant: variant.name };
    case 'loading':
      return { kind: 'load', variant: variant.name };
    case 'golden':
      return { kind: 'golden', variant: variant.name };
    case 'scoring':
      return { kind: 'score', variant: variant.name };
    case 'benchmarking':
    case 'done':
    case 'failed':
    case 'not run':
      return undefined;
  }
}

/** What a step does, in words. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'make':
      return `making ${step.variant}`;
    case 'load':
      return `loading ${step.variant}`;
    case 'golden':
      return `golden set on ${step.variant}`;
    case 'score':
      return `scoring ${step.variant}`;
    case 'benchmark':
      return `benchmarking ${step.variants.join(', ')}`;
    case 'judge':
      return 'judging';
  }
}

/** Stage after a step went well. */
export function stageAfter(step: Exclude<Step['kind'], 'judge'>): TrialVariant['stage'] {
  switch (step) {
    case 'make':
      return 'loading';
    case 'load':
      return 'golden';
    case 'golden':
      return 'scoring';
    case 'score':
      return 'benchmarking';
    case 'benchmark':
      return 'done';
  }
}

/** Share of the whole that is done, 0..1: five steps a variant, the benchmark weighing as much as two. */
export function fractionDone(trial: Pick<Trial, 'variants'>): number {
  const weight: Record<TrialVariant['stage'], number> = {
    waiting: 0,
    making: 0,
    loading: 1,
    golden: 2,
    scoring: 3,
    benchmarking: 4,
    done: 6,
    failed: 6,
    'not run': 6,
  };
  const done = trial.variants.reduce((sum, v) => sum + weight[v.stage], 0);
  return trial.variants.length === 0 ? 1 : done / (6 * trial.variants.length);
}
