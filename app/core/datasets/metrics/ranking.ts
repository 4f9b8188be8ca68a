/**
 * How well scores put the right samples first, as scikit-learn defines it: the area under the ROC curve (`auc`), equal scores counting half, and average
 * precision. With more than two classes each is set against the rest and the mean is taken over those that both occur and do not.
 */
import { type Collector, type Figure, metricError, type MetricSpec, type SampleRow, type SetMetric } from './kind.ts';

/** From the groups of equal scores, highest first, to the figure; NaN where a set has only one kind of sample. */
type Curve = (groups: Groups, weights: Uint32Array | undefined) => number;

/** Samples by falling score; `ends` says where each group of equal scores ends. */
interface Groups {
  order: Uint32Array;
  ends: Uint32Array;
  yes: Uint8Array;
}

export const RANKING_METRICS: Record<string, SetMetric> = {
  auc: { higherIsBetter: true, proportion: false, answer: 'argmax', collect: (spec) => collector(spec, areaUnderRoc) },
  average_precision: { higherIsBetter: true, proportion: false, answer: 'argmax', collect: (spec) => collector(spec, averagePrecision) },
};

function collector(spec: MetricSpec, curve: Curve): Collector {
  const scores: Float64Array[] = [];
  const labels: (number | string)[] = [];
  return {
    add(output, label) {
      scores.push(scoresOf(output, spec));
      const [only] = [label.values[0]];
      if (only === undefined || label.values.length !== 1)
        throw metricError('metric.shape-differs', 'The label is not one class for each sample.', 'one', `${label.values.length}`);
      labels.push(only);
    },
    figure() {
      const classes = scores[0]?.length ?? 0;
      if (scores.some((row) => row.length !== classes))
        throw metricError('metric.shape-differs', 'The samples have not the same number of scores.', `${classes}`, 'another');
      const column = (c: number) => Float64Array.from(scores, (row) => row[c] ?? 0);
      const groups =
        classes <= 2
          ? [groupsOf(column(classes - 1), binaryLabels(labels, spec))]
          : Array.from({ length: classes }, (_, c) =>
              groupsOf(
                column(c),
                Uint8Array.from(labels, (label) => (label === c ? 1 : 0)),
              ),
            );
      return meanOver(groups, curve);
    },
  };
}

function meanOver(groups: readonly Groups[], curve: Curve): Figure {
  return (weights) => {
    const areas = groups.map((one) => curve(one, weights)).filter((area) => !Number.isNaN(area));
    return areas.reduce((a, b) => a + b, 0) / areas.length;
  };
}

function scoresOf(output: SampleRow, spec: MetricSpec): Float64Array {
  const { values } = output;
  if (!(values instanceof Float64Array)) throw metricError('metric.not-numbers', 'The metric needs scores.', 'a numeric output', 'strings');
  if (values.length === 0 || values.some(Number.isNaN))
    throw metricError('metric.not-finite', `The output ${spec.output} holds no usable score.`, 'a number', values.length === 0 ? 'nothing' : 'NaN');
  return values.slice();
}

function binaryLabels(labels: readonly (number | string)[], spec: MetricSpec): Uint8Array {
  const kinds = new Set(labels);
  if (kinds.size > 2) throw metricError('metric.not-binary', `The output ${spec.output} has scores for two classes.`, 'two kinds of labels', `${kinds.size}`);
  const positive = spec.positive ?? 1;
  return Uint8Array.from(labels, (label) => (label === positive ? 1 : 0));
}

function groupsOf(scores: Float64Array, yes: Uint8Array): Groups {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const ends: number[] = [];
  for (let i = 1; i <= order.length; i++) if (i === order.length || scores[order[i] ?? 0] !== scores[order[i - 1] ?? 0]) ends.push(i);
  return { order, ends: Uint32Array.from(ends), yes };
}

/** Calls back for each group with how many right and wrong samples it holds. */
function eachGroup({ order, ends, yes }: Groups, weights: Uint32Array | undefined, visit: (right: number, wrong: number) => void): void {
  let at = 0;
  for (const end of ends) {
    let [right, wrong] = [0, 0];
    for (; at < end; at++) {
      const sample = order[at] ?? 0;
      const times = weights ? (weights[sample] ?? 0) : 1;
      if (yes[sample] === 1) right += times;
      else wrong += times;
    }
    visit(right, wrong);
  }
}

/** The share of pairs of a right and a wrong sample in which the right one has the higher score. */
function areaUnderRoc(groups: Groups, weights: Uint32Array | undefined): number {
  let [area, rights, wrongs] = [0, 0, 0];
  eachGroup(groups, weights, (right, wrong) => {
    area += wrong * (rights + right / 2);
    rights += right;
    wrongs += wrong;
  });
  return area / (rights * wrongs);
}

/** Sum over thresholds of the gain in recall times the precision there. */
function averagePrecision(groups: Groups, weights: Uint32Array | undefined): number {
  let [sum, rights, seen] = [0, 0, 0];
  eachGroup(groups, weights, (right, wrong) => {
    rights += right;
    seen += right + wrong;
    if (seen > 0) sum += right * (rights / seen);
  });
  return rights === 0 ? Number.NaN : sum / rights;
}
