/**
 * Task metrics: one figure from a model's outputs and the labels of its test set, with its 95 % interval. Samples are taken in one by one, which makes
 * every metric independent of the batch size.
 */
import { EdgewrightError, type Interval } from '#contract';
import { nearest } from '#core/platform';
import { AGREEMENT_METRICS } from './metrics/agreement.ts';
import { ACCURACY_METRICS } from './metrics/accuracy.ts';
import { ClassPairs, type Confusion } from './metrics/classes.ts';
import { ERROR_METRICS } from './metrics/error.ts';
import { type AnswerForm, type Collector, metricError, type MetricKind, type MetricSpec, type SampleRow } from './metrics/kind.ts';
import { F_METRICS } from './metrics/f-score.ts';
import { LANGUAGE_METRICS } from './metrics/language.ts';
import { meanCollector } from './metrics/mean.ts';
import { RANKING_METRICS } from './metrics/ranking.ts';
import { TEXT_METRICS } from './metrics/text.ts';
import { pickOutput } from './outputs.ts';
import { bootstrapInterval, wilsonInterval } from './statistics.ts';
import { isFloatType, type Tensor, toNumbers } from './tensor.ts';

export interface MetricResult extends Interval {
  name: string;
  samples: number;
  higherIsBetter: boolean;
  /** Of a metric of classes, where there are few enough. */
  confusion?: Confusion;
}

export interface ScoredBatch {
  outputs: Readonly<Record<string, Tensor>>;
  /** First axis = sample, as that of the outputs. */
  labels: Tensor;
}

/** Metrics whose labels are classes. */
const CLASS_METRICS: Record<string, MetricKind> = { ...ACCURACY_METRICS, ...F_METRICS };

/** One file of metrics/ for each family. */
const KINDS: Record<string, MetricKind> = {
  ...CLASS_METRICS,
  ...RANKING_METRICS,
  ...ERROR_METRICS,
  ...LANGUAGE_METRICS,
  ...TEXT_METRICS,
  ...AGREEMENT_METRICS,
};

/** The names of all metrics. */
export const METRIC_NAMES: readonly string[] = Object.keys(KINDS);

/** @throws metric.unknown (input) */
export function metricKind(name: string): { higherIsBetter: boolean; proportion: boolean; answer: AnswerForm } {
  return kindOf(name);
}

function kindOf(name: string): MetricKind {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind) return kind;
  const meant = nearest(name, METRIC_NAMES);
  throw new EdgewrightError({
    code: 'metric.unknown',
    message: 'The metric is not known.',
    expected: METRIC_NAMES.join(', '),
    found: name,
    ...(meant !== undefined && { hint: `Did you mean "${meant}"?` }),
    owner: 'input',
  });
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
  const kind = kindOf(spec.name);
  const collector: Collector = 'collect' in kind ? kind.collect(spec) : meanCollector(kind, spec);
  const pairs = Object.hasOwn(CLASS_METRICS, spec.name) ? new ClassPairs(spec) : undefined;
  let samples = 0;
  for await (const { outputs, labels } of batches) {
    const output = pickOutput(outputs, spec.output);
    const count = labels.dims[0] ?? 0;
    if ((output.dims[0] ?? 1) !== count)
      throw metricError('metric.samples-differ', `The output ${spec.output} has not one row for each label.`, `${count} rows`, `${output.dims[0] ?? 1} rows`);
    const [outputRows, labelRows] = [rows(output, count), rows(labels, count)];
    for (let i = 0; i < count; i++) {
      const [row, label] = [outputRows(i), labelRows(i)];
      collector.add(row, label);
      pairs?.add(row, label);
    }
    samples += count;
  }
  if (samples === 0) throw metricError('metric.no-samples', 'The test set holds no samples.', 'at least one', 'none');
  const figure = collector.figure();
  const value = figure();
  if (!Number.isFinite(value))
    throw metricError('metric.not-finite', `The metric ${spec.name} is not a finite number: the model answers NaN or infinity.`, 'a finite number', `${value}`);
  const interval = kind.proportion ? wilsonInterval(Math.round(value * samples), samples) : await bootstrapInterval(samples, figure, options);
  const { low, high } = interval;
  const confusion = pairs?.confusion();
  return { name: spec.name, value, low, high, samples, higherIsBetter: spec.higherIsBetter ?? kind.higherIsBetter, ...(confusion && { confusion }) };
}

function rows(tensor: Tensor, samples: number): (i: number) => SampleRow {
  const values = Array.isArray(tensor.data) ? tensor.data : toNumbers(tensor);
  const per = samples === 0 ? 0 : values.length / samples;
  const dims = tensor.dims.slice(1);
  const whole = tensor.type !== 'string' && !isFloatType(tensor.type);
  return (i) => ({ values: Array.isArray(values) ? values.slice(i * per, (i + 1) * per) : values.subarray(i * per, (i + 1) * per), dims, whole });
}
