/** A model held to its golden set, and scored on its test set. */
import { EdgewrightError } from '#contract';
import {
  compareGolden,
  type GoldenCases,
  type GoldenComparison,
  type GoldenRule,
  goldenCases,
  labelledCases,
  type MetricResult,
  type MetricSpec,
  pickOutput,
  readNpz,
  scoreMetric,
  sliceRows,
  type Tensor,
} from '#core/datasets';
import { type BatchOptions, runAll, runBatches } from './batches.ts';
import type { Runner } from './runner.ts';

export interface GoldenResult extends GoldenComparison {
  samples: number;
}

/**
 * Runs the golden set on the model the runner holds and compares by the rule.
 * @param golden an .npz (path or bytes), or cases already read
 * @throws npz.*, golden.* (input) and whatever a run throws; a golden set that is not met is a result, not an error
 */
export async function runGolden(
  runner: Runner,
  golden: string | Uint8Array | GoldenCases,
  rule: GoldenRule,
  options: BatchOptions = {},
): Promise<GoldenResult> {
  const cases = typeof golden === 'string' || golden instanceof Uint8Array ? goldenCases(await readNpz(golden)) : golden;
  const { outputs } = await runAll(runner, cases.inputs, cases.samples, options);
  return { ...compareGolden(cases.outputs, outputs, rule), samples: cases.samples };
}

/**
 * Scores the model the runner holds on a test set.
 * @param test an .npz with `in_<input>` and `label` (path or bytes), or its arrays
 * @param options.reference in place of the labels: outputs of another model, for a metric that compares with them
 * @throws npz.*, metric.* (input) and whatever a run throws
 */
export async function evaluate(
  runner: Runner,
  test: string | Uint8Array | ReadonlyMap<string, Tensor>,
  metric: MetricSpec,
  options: BatchOptions & { reference?: Tensor | undefined } = {},
): Promise<MetricResult> {
  const arrays = typeof test === 'string' || test instanceof Uint8Array ? await readNpz(test) : test;
  const { inputs, labels: own, samples } = labelledCases(arrays);
  const labels = options.reference ?? own;
  if (!labels)
    throw new EdgewrightError({
      code: 'metric.no-labels',
      message: 'The test set has no labels.',
      expected: 'an array named label',
      found: [...arrays.keys()].join(', '),
      owner: 'input',
    });
  async function* scored(all: Tensor) {
    for await (const { outputs, from, to } of runBatches(runner, inputs, samples, options)) yield { outputs, labels: sliceRows(all, from, to) };
  }
  return scoreMetric(metric, scored(labels), { signal: options.signal });
}

/** The output a metric reads, for all samples of a set: what other variants are compared with where there are no labels. */
export async function referenceOutput(runner: Runner, test: string | Uint8Array, metric: MetricSpec, options: BatchOptions = {}): Promise<Tensor> {
  const { inputs, samples } = labelledCases(await readNpz(test));
  const { outputs } = await runAll(runner, inputs, samples, options);
  return pickOutput(outputs, metric.output);
}
