/** By which rule a variant is held to the golden set: published defaults for each precision, and what a bundle says instead. */
import type { AnswerForm, MetricSpec } from '../metrics/kind.ts';
import { metricKind } from '../metrics.ts';

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

/** As a bundle states it: what is left out has a default. */
export interface Closeness {
  atol?: number | undefined;
  rtol?: number | undefined;
}
interface Agreement {
  agreement?: number | undefined;
  maxDrop?: number | undefined;
}

/** Tolerances as a bundle states them, one for each precision. */
export interface Tolerances {
  fp32?: Closeness | undefined;
  fp16?: Closeness | undefined;
  bf16?: Closeness | undefined;
  int8?: Agreement | undefined;
  int4?: Agreement | undefined;
}

/**
 * What practice has: float32 differs by the order of its sums (1e-5 to 1e-4), float16 has 11 bits, bfloat16 8, and integers are judged by their answers.
 * A model of doubles is held to the rule of fp32.
 */
export const DEFAULT_TOLERANCES = {
  fp32: { atol: 1e-4, rtol: 1e-4 },
  fp16: { atol: 2e-2, rtol: 1e-2 },
  bf16: { atol: 5e-2, rtol: 5e-2 },
  int8: { agreement: 0.95, maxDrop: 0.01 },
  int4: { agreement: 0.95, maxDrop: 0.01 },
} as const;

/** `near` answers of a quantized model may be off by this share of the spread (max - min) of the expected values of that output. */
export const NEAR_SHARE_OF_SPREAD = 0.1;

/** The rule a variant of this precision (`fp32`, `fp16`, `int8…`, `int4…`) is held to. Without a metric the answer is the best class. */
export function goldenRule(precision: string, tolerances: Tolerances = {}, metric?: MetricSpec): GoldenRule {
  const close = precision === 'fp64' ? 'fp32' : precision;
  if (close === 'fp32' || close === 'fp16' || close === 'bf16') {
    const given = tolerances[close];
    return { atol: given?.atol ?? DEFAULT_TOLERANCES[close].atol, rtol: given?.rtol ?? DEFAULT_TOLERANCES[close].rtol };
  }
  const bits = precision.startsWith('int4') ? 'int4' : 'int8';
  const given = tolerances[bits];
  return {
    agreement: given?.agreement ?? DEFAULT_TOLERANCES[bits].agreement,
    maxDrop: given?.maxDrop ?? DEFAULT_TOLERANCES[bits].maxDrop,
    ...(metric && { answer: metricKind(metric.name).answer, output: metric.output }),
  };
}

export function isClose(rule: GoldenRule): rule is CloseRule {
  return 'atol' in rule;
}

export function ruleWords(rule: GoldenRule): string {
  if (isClose(rule)) return `|error| <= ${rule.atol} + ${rule.rtol} x |expected|`;
  const answer = { argmax: 'same best class', equal: 'same label', near: `within ${NEAR_SHARE_OF_SPREAD * 100}% of the spread` }[rule.answer ?? 'argmax'];
  return `${answer} for at least ${+(rule.agreement * 100).toFixed(4)}% of samples`;
}
