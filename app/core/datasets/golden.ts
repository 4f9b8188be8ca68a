/** The golden set: a few inputs with the outputs expected of them, and the rule by which a variant is held to them. */
import { EdgewrightError } from '#contract';
import type { AnswerForm, MetricSpec } from './metrics/kind.ts';
import { metricKind } from './metrics.ts';
import { argmax } from './outputs.ts';
import { isFloatType, type Tensor, toNumbers } from './tensor.ts';

export interface GoldenCases {
  /** By the name of the model's input; first axis = sample. */
  inputs: Record<string, Tensor>;
  outputs: Record<string, Tensor>;
  samples: number;
}

/** Numbers must be near: |found - expected| <= atol + rtol * |expected|, numpy's allclose; NaN equals NaN. Other types must be equal. */
export interface CloseRule {
  atol: number;
  rtol: number;
}

/** The same answer for at least this share of samples. For a quantized model, whose numbers may move as long as its answers don't. */
export interface AgreementRule {
  agreement: number;
  /** How an answer is read from the output: the best class (if nothing is said), the value itself, or a number that may be a little off. */
  answer?: AnswerForm | undefined;
  /** The output that holds the answer; the first one if nothing is said. */
  output?: string | undefined;
  /** Largest loss of the metric against fp32, absolute; judged where the metric is known, not here. */
  maxDrop?: number | undefined;
}

export type GoldenRule = CloseRule | AgreementRule;

/** Tolerances as a bundle states them, one for each precision. */
export interface Tolerances {
  fp32?: { atol?: number | undefined; rtol?: number | undefined } | undefined;
  fp16?: { atol?: number | undefined; rtol?: number | undefined } | undefined;
  int8?: { agreement?: number | undefined; maxDrop?: number | undefined } | undefined;
}

export interface GoldenComparison {
  pass: boolean;
  /** Largest |found - expected| over all numbers; Number.MAX_VALUE, which JSON can carry, where that has no bound: one is NaN or infinite, or the shapes differ. */
  maxAbsError: number;
  /** The element furthest beyond its tolerance (or the first sample that disagrees), with what was expected and found. */
  worst?: string;
  /** Share of samples with the same answer. */
  agreement?: number;
  /** The rule in words. */
  rule: string;
}

export const DEFAULT_TOLERANCES = {
  fp32: { atol: 1e-4, rtol: 1e-4 },
  fp16: { atol: 2e-2, rtol: 1e-2 },
  int8: { agreement: 0.95, maxDrop: 0.01 },
} as const;

/** `near` answers of a quantized model may be off by this share of the spread (max - min) of the expected values of that output. */
export const NEAR_SHARE_OF_SPREAD = 0.1;

const INPUT_PREFIX = 'in_';
const OUTPUT_PREFIX = 'out_';
const LABELS = 'label';

/**
 * Splits golden (or calibration, or test) arrays into inputs and outputs by their prefixes; every one has a row per sample.
 * @throws golden.* (input)
 */
export function goldenCases(arrays: ReadonlyMap<string, Tensor>): GoldenCases {
  const inputs = prefixed(arrays, INPUT_PREFIX);
  const outputs = prefixed(arrays, OUTPUT_PREFIX);
  if (Object.keys(outputs).length === 0)
    throw goldenError('golden.no-outputs', 'The golden set names no expected output.', 'arrays named out_<output>', [...arrays.keys()].join(', '));
  return { inputs, outputs, samples: sampleCount(arrays, [INPUT_PREFIX, OUTPUT_PREFIX]) };
}

/**
 * The inputs of a calibration or test set, and the labels of the latter.
 * @throws golden.* (input)
 */
export function labelledCases(arrays: ReadonlyMap<string, Tensor>): { inputs: Record<string, Tensor>; labels?: Tensor; samples: number } {
  const inputs = prefixed(arrays, INPUT_PREFIX);
  const labels = arrays.get(LABELS);
  return { inputs, ...(labels && { labels }), samples: sampleCount(arrays, [INPUT_PREFIX, LABELS]) };
}

/** The rule a variant of this precision (`fp32`, `fp16`, `int8…`, `int4…`) is held to. Without a metric the answer is the best class. */
export function goldenRule(precision: string, tolerances: Tolerances = {}, metric?: MetricSpec): GoldenRule {
  if (precision === 'fp32' || precision === 'fp16') {
    const given = tolerances[precision];
    return { atol: given?.atol ?? DEFAULT_TOLERANCES[precision].atol, rtol: given?.rtol ?? DEFAULT_TOLERANCES[precision].rtol };
  }
  return {
    agreement: tolerances.int8?.agreement ?? DEFAULT_TOLERANCES.int8.agreement,
    maxDrop: tolerances.int8?.maxDrop ?? DEFAULT_TOLERANCES.int8.maxDrop,
    ...(metric && { answer: metricKind(metric.name).answer, output: metric.output }),
  };
}

/** Compares outputs with the expected ones by a rule. A missing output or another shape fails; nothing is thrown. */
export function compareGolden(expected: Readonly<Record<string, Tensor>>, actual: Readonly<Record<string, Tensor>>, rule: GoldenRule): GoldenComparison {
  const words = ruleWords(rule);
  const differences = Object.entries(expected).map(([name, want]) => compareTensor(name, want, findOutput(actual, name, Object.keys(expected).length), rule));
  const maxAbsError = Math.min(
    Number.MAX_VALUE,
    differences.reduce((max, d) => Math.max(max, d.maxAbs), 0),
  );
  const broken = differences.find((d) => d.structure !== undefined);
  if (broken?.structure !== undefined) return { pass: false, maxAbsError, worst: broken.structure, rule: words };
  if (isClose(rule)) {
    const worst = differences.reduce<Difference | undefined>((a, b) => (b.excess > (a?.excess ?? Number.NEGATIVE_INFINITY) ? b : a), undefined);
    const pass = differences.every((d) => d.excess <= 0);
    return { pass, maxAbsError, ...(worst?.where !== undefined && { worst: worst.where }), rule: words };
  }
  const key = rule.output !== undefined && Object.hasOwn(expected, rule.output) ? rule.output : Object.keys(expected)[0];
  const want = key === undefined ? undefined : expected[key];
  const got = key === undefined ? undefined : findOutput(actual, key, Object.keys(expected).length);
  if (!want || !got) return { pass: false, maxAbsError, worst: `the output ${key ?? ''} is missing`, rule: words };
  const { share, firstDiffers } = agreementOf(key ?? '', want, got, rule.answer ?? 'argmax');
  return { pass: share >= rule.agreement, maxAbsError, agreement: share, ...(firstDiffers !== undefined && { worst: firstDiffers }), rule: words };
}

function isClose(rule: GoldenRule): rule is CloseRule {
  return 'atol' in rule;
}

function ruleWords(rule: GoldenRule): string {
  if (isClose(rule)) return `|error| <= ${rule.atol} + ${rule.rtol} x |expected|`;
  const answer = { argmax: 'same best class', equal: 'same label', near: `within ${NEAR_SHARE_OF_SPREAD * 100}% of the spread` }[rule.answer ?? 'argmax'];
  return `${answer} for at least ${+(rule.agreement * 100).toFixed(4)}% of samples`;
}

interface Difference {
  maxAbs: number;
  /** Largest amount by which an element is beyond its tolerance; <= 0 when all are within. */
  excess: number;
  where?: string;
  /** Why the tensors cannot be compared at all. */
  structure?: string;
}

function compareTensor(name: string, want: Tensor, got: Tensor | undefined, rule: GoldenRule): Difference {
  if (!got) return structural(`the output ${name} is missing`);
  if (got.type !== want.type) return structural(`${name} is ${got.type}, expected ${want.type}`);
  if (got.dims.length !== want.dims.length || got.dims.some((d, i) => d !== want.dims[i]))
    return structural(`${name} has the shape [${got.dims}], expected [${want.dims}]`);
  if (Array.isArray(want.data) || Array.isArray(got.data)) {
    const at = (want.data as string[]).findIndex((text, i) => text !== got.data[i]);
    return at < 0
      ? { maxAbs: 0, excess: Number.NEGATIVE_INFINITY }
      : { maxAbs: 0, excess: Number.POSITIVE_INFINITY, where: place(name, want.dims, at, String(want.data[at]), String(got.data[at])) };
  }
  const close = isClose(rule) && isFloatType(want.type) ? rule : { atol: 0, rtol: 0 };
  const [a, b] = [toNumbers(want), toNumbers(got)];
  let [maxAbs, excess, worstAt] = [0, Number.NEGATIVE_INFINITY, -1];
  for (let i = 0; i < a.length; i++) {
    const [e, f] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    // Equal infinities and NaN beside NaN are no difference; any other pair with one of them is without bound.
    const same = e === f || (Number.isNaN(e) && Number.isNaN(f));
    const error = same ? 0 : Number.isFinite(e) && Number.isFinite(f) ? Math.abs(f - e) : Number.POSITIVE_INFINITY;
    const allowed = Number.isFinite(e) ? close.atol + close.rtol * Math.abs(e) : 0;
    if (error > maxAbs) maxAbs = error;
    if (error - allowed > excess) [excess, worstAt] = [error - allowed, i];
  }
  return worstAt < 0 ? { maxAbs, excess } : { maxAbs, excess, where: place(name, want.dims, worstAt, String(a[worstAt]), String(b[worstAt])) };
}

function agreementOf(name: string, want: Tensor, got: Tensor, form: AnswerForm): { share: number; firstDiffers?: string } {
  const samples = want.dims[0] ?? 1;
  if (samples === 0) return { share: 0 };
  const per = want.data.length / samples;
  const texts = Array.isArray(want.data);
  const a = texts ? (want.data as string[]) : toNumbers(want);
  const b = Array.isArray(got.data) ? got.data : toNumbers(got);
  const spread = texts || form !== 'near' ? 0 : spreadOf(a as Float64Array);
  let agree = 0;
  let firstDiffers: string | undefined;
  for (let s = 0; s < samples; s++) {
    const row = (values: typeof a) => (Array.isArray(values) ? values.slice(s * per, (s + 1) * per) : values.subarray(s * per, (s + 1) * per));
    const [e, f] = [row(a), row(b)];
    const answers = form === 'argmax' && !texts ? bestClasses(e as Float64Array, f as Float64Array, want.dims.at(-1) ?? per) : undefined;
    const ok = answers ? answers.same : e.every((value, i) => isNear(value, f[i], form === 'near' ? spread * NEAR_SHARE_OF_SPREAD : 0));
    if (ok) agree++;
    else
      firstDiffers ??= answers
        ? `${name}[${s}] expected best class ${answers.want}, found ${answers.got}`
        : `${name}[${s}] expected ${short(e)}, found ${short(f)}`;
  }
  return { share: agree / samples, ...(firstDiffers !== undefined && { firstDiffers }) };
}

/** Best class along the last axis, for each of its rows (a language model has one a token). */
function bestClasses(want: Float64Array, got: Float64Array, classes: number): { same: boolean; want: number; got: number } {
  for (let at = 0; at < want.length; at += classes) {
    const [e, f] = [argmax(want.subarray(at, at + classes)), argmax(got.subarray(at, at + classes))];
    // An answer of NaN is no answer, even where the same was expected.
    if (e !== f || Number.isNaN(got[at + f] ?? Number.NaN)) return { same: false, want: e, got: f };
  }
  return { same: true, want: 0, got: 0 };
}

function isNear(want: number | string, got: number | string | undefined, tolerance: number): boolean {
  return typeof want === 'number' && typeof got === 'number' ? Math.abs(got - want) <= tolerance : want === got;
}

function spreadOf(values: Float64Array): number {
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? 0 : finite.reduce((a, b) => Math.max(a, b)) - finite.reduce((a, b) => Math.min(a, b));
}

function place(name: string, dims: readonly number[], index: number, want: string, got: string): string {
  const at: number[] = [];
  let rest = index;
  for (const dim of [...dims].reverse()) {
    at.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return `${name}[${at.join(',')}] expected ${want}, found ${got}`;
}

function short(values: ArrayLike<number | string>): string {
  const few = Array.from({ length: Math.min(4, values.length) }, (_, i) => String(values[i]));
  return values.length > few.length ? `${few.join(' ')} …` : few.join(' ');
}

function structural(structure: string): Difference {
  return { maxAbs: Number.POSITIVE_INFINITY, excess: Number.POSITIVE_INFINITY, structure };
}

function findOutput(outputs: Readonly<Record<string, Tensor>>, name: string, expectedCount: number): Tensor | undefined {
  if (Object.hasOwn(outputs, name)) return outputs[name];
  const all = Object.values(outputs);
  return expectedCount === 1 && all.length === 1 ? all[0] : undefined;
}

function prefixed(arrays: ReadonlyMap<string, Tensor>, prefix: string): Record<string, Tensor> {
  return Object.fromEntries([...arrays].filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Rows of the arrays whose name begins so: the same in all of them. */
function sampleCount(arrays: ReadonlyMap<string, Tensor>, prefixes: readonly string[]): number {
  const counts = [...arrays].filter(([name]) => prefixes.some((p) => name.startsWith(p))).map(([name, t]) => ({ name, rows: t.dims[0] }));
  const first = counts[0]?.rows;
  const odd = counts.find((c) => c.rows !== first);
  if (first === undefined || odd)
    throw goldenError(
      'golden.samples-differ',
      'The arrays have not the same number of samples.',
      `${first ?? 'at least one'} rows in each`,
      odd ? `${odd.rows ?? 'no'} rows in ${odd.name}` : 'no input',
    );
  if (first === 0) throw goldenError('golden.empty', 'The set holds no samples.', 'at least one', 'none');
  return first;
}

function goldenError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
