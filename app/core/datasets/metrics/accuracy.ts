/** Metrics that count right answers. */
import { argmax } from '../outputs.ts';
import { type MetricKind, numbers, same, type SampleScore, single } from './kind.ts';

export const ACCURACY_METRICS: Record<string, MetricKind> = {
  top1_accuracy: topAccuracy(1),
  top2_accuracy: topAccuracy(2),
  top3_accuracy: topAccuracy(3),
  top5_accuracy: topAccuracy(5),
  top10_accuracy: topAccuracy(10),
  label_accuracy: {
    higherIsBetter: true,
    proportion: true,
    answer: 'equal',
    score: (o, l) => hit(o.values.length === 1 && l.values.length === 1 && o.values[0] === l.values[0]),
    finish: same,
  },
};

function topAccuracy(k: number): MetricKind {
  return { higherIsBetter: true, proportion: true, answer: 'argmax', score: (o, l) => hit(rankOf(numbers(o), single(l)) < k), finish: same };
}

function hit(yes: boolean): SampleScore {
  return { sum: yes ? 1 : 0, count: 1 };
}

/** How many classes come before this one: those with a larger score, and equal ones with a lower index. NaN beats all. */
function rankOf(scores: Float64Array, label: number): number {
  if (!(label >= 0 && label < scores.length)) return scores.length;
  const own = scores[label] ?? Number.NaN;
  if (Number.isNaN(own)) return argmax(scores) === label ? 0 : scores.length;
  let before = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] ?? Number.NaN;
    if (score > own || Number.isNaN(score) || (score === own && i < label)) before++;
  }
  return before;
}
