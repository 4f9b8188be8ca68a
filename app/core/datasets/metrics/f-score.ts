/**
 * Precision, recall and F1 as scikit-learn defines them: of the positive class, or of all classes put together (`micro`), averaged (`macro`), or averaged
 * by how often each is true (`weighted`). What would be a division by zero is 0. Classes are those that occur among answers or labels.
 */
import { ClassPairs } from './classes.ts';
import { type Figure, metricError, type SetMetric } from './kind.ts';

type Score = 'precision' | 'recall' | 'f1';
type Average = 'binary' | 'micro' | 'macro' | 'weighted';

const SCORES: readonly Score[] = ['precision', 'recall', 'f1'];
const AVERAGES: readonly Average[] = ['binary', 'micro', 'macro', 'weighted'];

/** f1, f1_micro, f1_macro, f1_weighted, and the same of precision and recall. */
export const F_METRICS: Record<string, SetMetric> = Object.fromEntries(
  SCORES.flatMap((score) => AVERAGES.map((average): [string, SetMetric] => [average === 'binary' ? score : `${score}_${average}`, fMetric(score, average)])),
);

function fMetric(score: Score, average: Average): SetMetric {
  return {
    higherIsBetter: true,
    proportion: false,
    answer: 'argmax',
    collect(spec) {
      const pairs = new ClassPairs(spec);
      return {
        add: (output, label) => pairs.add(output, label),
        figure() {
          const { classes } = pairs;
          if (average === 'binary' && classes.length > 2)
            throw metricError(
              'metric.not-binary',
              `The metric ${spec.name} is for two classes.`,
              `two classes, or ${spec.name}_macro, _micro or _weighted`,
              `${classes.length} classes`,
            );
          return figureOf(score, average, pairs, classes.length);
        },
      };
    },
  };
}

function figureOf(score: Score, average: Average, pairs: ClassPairs, classes: number): Figure {
  const [answered, actual] = [Uint32Array.from(pairs.answered), Uint32Array.from(pairs.actual)];
  const { positive } = pairs;
  const [hits, said, were] = [new Float64Array(classes), new Float64Array(classes), new Float64Array(classes)];
  return (weights) => {
    for (const counts of [hits, said, were]) counts.fill(0);
    for (let i = 0; i < actual.length; i++) {
      const times = weights ? (weights[i] ?? 0) : 1;
      const [a, t] = [answered[i] ?? 0, actual[i] ?? 0];
      said[a] = (said[a] ?? 0) + times;
      were[t] = (were[t] ?? 0) + times;
      if (a === t) hits[t] = (hits[t] ?? 0) + times;
    }
    const of = (c: number) => scoreOf(score, hits[c] ?? 0, said[c] ?? 0, were[c] ?? 0);
    if (average === 'binary') return positive < 0 ? 0 : of(positive);
    if (average === 'micro') return scoreOf(score, sum(hits), sum(said), sum(were));
    let [total, weight] = [0, 0];
    for (let c = 0; c < classes; c++) {
      if ((said[c] ?? 0) + (were[c] ?? 0) === 0) continue;
      const share = average === 'weighted' ? (were[c] ?? 0) : 1;
      total += share * of(c);
      weight += share;
    }
    return total / weight;
  };
}

function scoreOf(score: Score, hits: number, said: number, were: number): number {
  const below = score === 'precision' ? said : score === 'recall' ? were : (said + were) / 2;
  return below === 0 ? 0 : hits / below;
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}
