/** From outputs and labels to pairs of classes, answered and true: what F-scores and the confusion matrix count. */
import { MAX_CONFUSION_CLASSES } from '../limits.ts';
import { argmax } from '../outputs.ts';
import { metricError, type MetricSpec, type SampleRow } from './kind.ts';

const DEFAULT_THRESHOLD = 0.5;

/** A class by its name in the labels, or its number. */
type ClassName = number | string;

/** Row: the true class; column: the class the model answers. */
export interface Confusion {
  classes: string[];
  counts: number[][];
}

/** The classes of a set, sample by sample, each called by its place in `classes`. */
export class ClassPairs {
  readonly #spec: MetricSpec;
  readonly #numbers = new Map<ClassName, number>();
  readonly answered: number[] = [];
  readonly actual: number[] = [];

  constructor(spec: MetricSpec) {
    this.#spec = spec;
  }

  add(output: SampleRow, label: SampleRow): void {
    this.answered.push(this.#number(answeredClass(output, this.#spec)));
    this.actual.push(this.#number(trueClass(label)));
  }

  get classes(): ClassName[] {
    return [...this.#numbers.keys()];
  }

  /** The place of the positive class; -1 where it does not occur. */
  get positive(): number {
    return this.#numbers.get(this.#spec.positive ?? 1) ?? -1;
  }

  /** Classes in their order; none where there are too many to look at. */
  confusion(): Confusion | undefined {
    const names = this.classes;
    if (names.length > MAX_CONFUSION_CLASSES) return undefined;
    const order = names.map((_, i) => i).sort((a, b) => compare(names[a] ?? 0, names[b] ?? 0));
    const place = new Map(order.map((at, i) => [at, i]));
    const counts = order.map(() => order.map(() => 0));
    this.actual.forEach((actual, i) => {
      const row = counts[place.get(actual) ?? 0];
      const column = place.get(this.answered[i] ?? 0) ?? 0;
      if (row) row[column] = (row[column] ?? 0) + 1;
    });
    return { classes: order.map((at) => String(names[at])), counts };
  }

  #number(name: ClassName): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

/** The text or number itself where the output is a label, the best of several scores, or of one score whether it is high enough for yes. */
function answeredClass(output: SampleRow, spec: MetricSpec): ClassName {
  const { values } = output;
  if (values.length > 1 && typeof values[0] === 'number') return argmax(values as ArrayLike<number>);
  const only = values.length === 1 ? values[0] : undefined;
  if (only === undefined)
    throw metricError('metric.shape-differs', `The output ${spec.output} is no class.`, 'a label, or a score for each class', `${values.length} texts`);
  if (typeof only === 'string' || output.whole) return only;
  if (Number.isNaN(only)) throw metricError('metric.not-finite', `The output ${spec.output} holds NaN.`, 'a score', 'NaN');
  const positive = spec.positive ?? 1;
  return only >= (spec.threshold ?? DEFAULT_THRESHOLD) ? positive : positive === 0 ? 1 : 0;
}

function trueClass(label: SampleRow): ClassName {
  const only = label.values[0];
  if (only === undefined || label.values.length !== 1)
    throw metricError('metric.shape-differs', 'The label is not one class for each sample.', 'one', `${label.values.length}`);
  return only;
}

function compare(a: ClassName, b: ClassName): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : 1;
}
