/** Outputs held against the expected ones: whether they keep the rule, and if not where they break it most. */
import { argmax } from '../outputs.ts';
import type { AnswerForm } from '../metrics/kind.ts';
import { isFloatType, type Tensor, toNumbers } from '../tensor.ts';
import { type CloseRule, type GoldenRule, isClose, NEAR_SHARE_OF_SPREAD, ruleWords } from './rules.ts';

type Outputs = Readonly<Record<string, Tensor>>;

export interface GoldenComparison {
  pass: boolean;
  /** Largest |found - expected| over all numbers; Number.MAX_VALUE, which JSON can carry, where that has no bound: one is NaN or infinite, or the shapes differ. */
  maxAbsError: number;
  /** The element furthest beyond its tolerance (or the first sample that disagrees), in words. */
  worst?: string;
  /** The same for programs, where one element can be named. */
  detail?: GoldenFailure;
  /** Share of samples with the same answer. */
  agreement?: number;
  /** The rule in words. */
  rule: string;
}

/** The element furthest beyond its tolerance. */
export interface GoldenFailure {
  output: string;
  /** Of the golden set, from 0. */
  sample: number;
  /** Its place in the output, the sample first. */
  index: number[];
  expected: string;
  found: string;
  /** Largest difference the rule allows there; 0 where the two must be equal. */
  allowed: number;
  /** How many elements of all outputs break the rule, and how many there are. */
  failing: number;
  elements: number;
}

/** Compares outputs with the expected ones by a rule. A missing output or another shape fails; nothing is thrown. */
export function compareGolden(expected: Outputs, actual: Outputs, rule: GoldenRule): GoldenComparison {
  const words = ruleWords(rule);
  const names = Object.keys(expected);
  const differences = Object.entries(expected).map(([name, want]) => compareTensor(name, want, findOutput(actual, name, names.length), rule));
  const maxAbsError = Math.min(
    Number.MAX_VALUE,
    differences.reduce((max, d) => Math.max(max, d.maxAbs), 0),
  );
  const broken = differences.find((d) => d.structure !== undefined);
  if (broken?.structure !== undefined) return { pass: false, maxAbsError, worst: broken.structure, rule: words };
  if (isClose(rule)) {
    const worst = differences.reduce<Difference | undefined>((a, b) => (b.excess > (a?.excess ?? Number.NEGATIVE_INFINITY) ? b : a), undefined);
    const failing = differences.reduce((sum, d) => sum + d.failing, 0);
    const elements = differences.reduce((sum, d) => sum + d.elements, 0);
    if (failing === 0 || !worst?.at) return { pass: failing === 0, maxAbsError, ...(worst?.at && { worst: placeWords(worst.at) }), rule: words };
    const detail = { ...worst.at, failing, elements };
    return { pass: false, maxAbsError, worst: failureWords(detail), detail, rule: words };
  }
  const key = rule.output !== undefined && Object.hasOwn(expected, rule.output) ? rule.output : names[0];
  const want = key === undefined ? undefined : expected[key];
  const got = key === undefined ? undefined : findOutput(actual, key, names.length);
  if (key === undefined || !want || !got) return { pass: false, maxAbsError, worst: `the output ${key ?? ''} is missing`, rule: words };
  const { share, firstDiffers } = agreementOf(key, want, got, rule.answer ?? 'argmax');
  return { pass: share >= rule.agreement, maxAbsError, agreement: share, ...(firstDiffers !== undefined && { worst: firstDiffers }), rule: words };
}

type Place = Omit<GoldenFailure, 'failing' | 'elements'>;

interface Difference {
  maxAbs: number;
  /** Largest amount by which an element is beyond its tolerance; <= 0 when all are within. */
  excess: number;
  failing: number;
  elements: number;
  at?: Place;
  /** Why the tensors cannot be compared at all. */
  structure?: string;
}

function compareTensor(name: string, want: Tensor, got: Tensor | undefined, rule: GoldenRule): Difference {
  if (!got) return structural(`the output ${name} is missing`);
  if (got.type !== want.type) return structural(`${name} is ${got.type}, expected ${want.type}`);
  if (got.dims.length !== want.dims.length || got.dims.some((d, i) => d !== want.dims[i]))
    return structural(`${name} has the shape [${got.dims}], expected [${want.dims}]`);
  if (Array.isArray(want.data) || Array.isArray(got.data)) return compareTexts(name, want, got);
  const close = isClose(rule) && isFloatType(want.type) ? rule : { atol: 0, rtol: 0 };
  const [a, b] = [toNumbers(want), toNumbers(got)];
  let [maxAbs, excess, worstAt, failing] = [0, Number.NEGATIVE_INFINITY, -1, 0];
  for (let i = 0; i < a.length; i++) {
    const [e, f] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    const [we, wf] = [want.data[i], got.data[i]];
    // Doubles cannot tell 64-bit numbers apart beyond 2^53.
    const error = typeof we === 'bigint' && typeof wf === 'bigint' ? Math.abs(Number(wf - we)) : errorOf(e, f);
    const beyond = error - allowedAt(close, e);
    if (error > maxAbs) maxAbs = error;
    if (beyond > 0) failing++;
    if (beyond > excess) [excess, worstAt] = [beyond, i];
  }
  const at = worstAt < 0 ? undefined : place(name, want, worstAt, exact(want, worstAt), exact(got, worstAt), allowedAt(close, a[worstAt] ?? 0));
  return { maxAbs, excess, failing, elements: a.length, ...(at && { at }) };
}

/** Equal infinities and NaN beside NaN are no difference; any other pair with one of them is without bound. */
function errorOf(expected: number, found: number): number {
  if (expected === found || (Number.isNaN(expected) && Number.isNaN(found))) return 0;
  return Number.isFinite(expected) && Number.isFinite(found) ? Math.abs(found - expected) : Number.POSITIVE_INFINITY;
}

function allowedAt({ atol, rtol }: CloseRule, expected: number): number {
  return Number.isFinite(expected) ? atol + rtol * Math.abs(expected) : 0;
}

function compareTexts(name: string, want: Tensor, got: Tensor): Difference {
  const [a, b] = [want.data as string[], got.data as string[]];
  const wrong = a.flatMap((text, i) => (text === b[i] ? [] : [i]));
  const [first] = wrong;
  if (first === undefined) return { maxAbs: 0, excess: Number.NEGATIVE_INFINITY, failing: 0, elements: a.length };
  const at = place(name, want, first, String(a[first]), String(b[first]), 0);
  return { maxAbs: 0, excess: Number.POSITIVE_INFINITY, failing: wrong.length, elements: a.length, at };
}

/** Whole numbers of 64 bits to the last digit. */
function exact(tensor: Tensor, at: number): string {
  return tensor.type === 'float16' ? String(toNumbers(tensor)[at]) : String(tensor.data[at]);
}

function place(output: string, { dims }: Tensor, at: number, expected: string, found: string, allowed: number): Place {
  const index: number[] = [];
  let rest = at;
  for (const dim of [...dims].reverse()) {
    index.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return { output, sample: index[0] ?? 0, index, expected: expected.slice(0, MAX_SHOWN_CHARS), found: found.slice(0, MAX_SHOWN_CHARS), allowed };
}

/** Longest value told in a message, in characters. */
const MAX_SHOWN_CHARS = 80;

function placeWords({ output, index, expected, found }: Place): string {
  return `${output}[${index.join(',')}] expected ${expected}, found ${found}`;
}

function failureWords(failure: GoldenFailure): string {
  const allowed = failure.allowed === 0 ? 'they must be equal' : `at most ${+failure.allowed.toPrecision(3)} apart allowed`;
  return `${placeWords(failure)} (golden sample ${failure.sample}; ${allowed}; ${failure.failing} of ${failure.elements} values are beyond)`;
}

function agreementOf(name: string, want: Tensor, got: Tensor, wanted: AnswerForm): { share: number; firstDiffers?: string } {
  const samples = want.dims[0] ?? 1;
  if (samples === 0) return { share: 0 };
  const per = want.data.length / samples;
  const texts = Array.isArray(want.data);
  // Labels are equal or not; a single score has no best class.
  const form = texts || !isFloatType(want.type) ? 'equal' : wanted === 'argmax' && per === 1 ? 'near' : wanted;
  const a = texts ? (want.data as string[]) : toNumbers(want);
  const b = Array.isArray(got.data) ? got.data : toNumbers(got);
  const near = form === 'near' ? spreadOf(a as Float64Array) * NEAR_SHARE_OF_SPREAD : 0;
  let agree = 0;
  let firstDiffers: string | undefined;
  for (let s = 0; s < samples; s++) {
    const row = (values: typeof a) => (Array.isArray(values) ? values.slice(s * per, (s + 1) * per) : values.subarray(s * per, (s + 1) * per));
    const [e, f] = [row(a), row(b)];
    const answers = form === 'argmax' ? bestClasses(e as Float64Array, f as Float64Array, want.dims.at(-1) ?? per) : undefined;
    if (answers ? answers.same : e.every((value, i) => isNear(value, f[i], near))) agree++;
    else
      firstDiffers ??= answers
        ? `${name}[${s}] expected best class ${answers.want}, found ${answers.got}`
        : `${name}[${s}] expected ${short(e)}, found ${short(f)}${near > 0 ? `, at most ${+near.toPrecision(3)} apart allowed` : ''}`;
  }
  if (firstDiffers === undefined) return { share: agree / samples };
  return { share: agree / samples, firstDiffers: `${firstDiffers} (${samples - agree} of ${samples} golden samples differ)` };
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

function short(values: ArrayLike<number | string>): string {
  const few = Array.from({ length: Math.min(4, values.length) }, (_, i) => String(values[i]));
  return values.length > few.length ? `${few.join(' ')} …` : few.join(' ');
}

function structural(structure: string): Difference {
  return { maxAbs: Number.POSITIVE_INFINITY, excess: Number.POSITIVE_INFINITY, failing: 0, elements: 0, structure };
}

function findOutput(outputs: Outputs, name: string, expectedCount: number): Tensor | undefined {
  if (Object.hasOwn(outputs, name)) return outputs[name];
  const all = Object.values(outputs);
  return expectedCount === 1 && all.length === 1 ? all[0] : undefined;
}
