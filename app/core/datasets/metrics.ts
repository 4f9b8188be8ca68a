/**
 * Task metrics: one figure from a model's outputs and the labels of its test set, with its 95 % interval. Each sample gives a
 * sum and a count; the figure is a function of their totals, which makes every metric independent of the batch size.
 */
import type { Interval } from '#contract';
import { ACCURACY_METRICS } from './metrics/accuracy.ts';
import { ERROR_METRICS } from './metrics/error.ts';
import { type AnswerForm, metricError, type MetricKind, type MetricSpec, type SampleRow } from './metrics/kind.ts';
import { LANGUAGE_METRICS } from './metrics/language.ts';
import { pickOutput } from './outputs.ts';
import { bootstrapInterval, wilsonInterval } from './statistics.ts';
import { type Tensor, toNumbers } from './tensor.ts';

export interface MetricResult extends Interval {
  name: string;
  samples: number;
  higherIsBetter: boolean;
}

export interface ScoredBatch {
  outputs: Readonly<Record<string, Tensor>>;
  /** First axis = sample, as that of the outputs. */
  labels: Tensor;
}

/** One file of metrics/ for each family. */
const KINDS: Record<string, MetricKind> = { ...ACCURACY_METRICS, ...ERROR_METRICS, ...LANGUAGE_METRICS };

/** The names of all metrics. */
export const METRIC_NAMES: readonly string[] = Object.keys(KINDS);

/** @throws metric.unknown (input) */
export function metricKind(name: string): { higherIsBetter: boolean; proportion: boolean; answer: AnswerForm } {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!kind) throw metricError('metric.unknown', 'The metric is not known.', METRIC_NAMES.join(', '), name);
  return kind;
}

/**
 * Scores batches against their labels. Proportions get Wilson's interval, others a bootstrap of 10,000 resamples.
 * A figure that is not finite (a model that answers NaN) is an error, never a number.
 * @throws metric.* (input)
 */
export async function scoreMetric(
  spec: MetricSpec,
  batches: AsyncIterable<ScoredBatch> | Iterable<ScoredBatch>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<MetricResult> {
  const kind = KINDS[metricKind(spec.name) ? spec.name : ''];
  if (!kind) throw metricError('metric.unknown', 'The metric is not known.', METRIC_NAMES.join(', '), spec.name);
  const sums: number[] = [];
  const counts: number[] = [];
  for await (const { outputs, labels } of batches) {
    const output = pickOutput(outputs, spec.output);
    const samples = labels.dims[0] ?? 0;
    if ((output.dims[0] ?? 1) !== samples)
      throw metricError('metric.samples-differ', `The output ${spec.output} has not one row for each label.`, `${samples} rows`, `${output.dims[0] ?? 1} rows`);
    const outputRows = rows(output, samples);
    const labelRows = rows(labels, samples);
    for (let i = 0; i < samples; i++) {
      const { sum, count } = kind.score(outputRows(i), labelRows(i), spec);
      sums.push(sum);
      counts.push(count);
    }
  }
  if (sums.length === 0) throw metricError('metric.no-samples', 'The test set holds no samples.', 'at least one', 'none');
  const total = sums.reduce((a, b) => a + b, 0);
  const value = kind.finish(total / counts.reduce((a, b) => a + b, 0));
  if (!Number.isFinite(value))
    throw metricError('metric.not-finite', `The metric ${spec.name} is not a finite number: the model answers NaN or infinity.`, 'a finite number', `${value}`);
  const interval = kind.proportion
    ? wilsonInterval(total, sums.length)
    : await bootstrapInterval(Float64Array.from(sums), Float64Array.from(counts), kind.finish, options);
  return { name: spec.name, value, low: interval.low, high: interval.high, samples: sums.length, higherIsBetter: spec.higherIsBetter ?? kind.higherIsBetter };
}

function rows(tensor: Tensor, samples: number): (i: number) => SampleRow {
  const values = Array.isArray(tensor.data) ? tensor.data : toNumbers(tensor);
  const per = samples === 0 ? 0 : values.length / samples;
  const dims = tensor.dims.slice(1);
  return (i) => ({ values: Array.isArray(values) ? values.slice(i * per, (i + 1) * per) : values.subarray(i * per, (i + 1) * per), dims });
}
