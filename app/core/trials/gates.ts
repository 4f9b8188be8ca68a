/**
 * Gates: one condition each that a variant must meet, read from text such as `accuracy >= 99% of fp32`,
 * `p95 < 20 ms on this computer`, `size <= 40% of fp32`, `metric >= 0.97`.
 *
 *   gate     = subject comparison limit [ "of" variant ] [ "on" machine ]
 *   subject  = metric | accuracy | p50 | p90 | p95 | p99 | latency | size | memory | load | throughput
 *   limit    = number [ unit ]      with "of": number "%"
 */
import { EdgewrightError, formatBytes, formatMs, significant, type TrialVariant } from '#contract';
import { MAX_GATE_CHARS } from './limits.ts';

const SUBJECTS = ['metric', 'accuracy', 'p50', 'p90', 'p95', 'p99', 'latency', 'size', 'memory', 'load', 'throughput'] as const;
type Subject = (typeof SUBJECTS)[number];
type Dimension = 'score' | 'time' | 'bytes' | 'rate';

const DIMENSION: Record<Subject, Dimension> = {
  metric: 'score',
  accuracy: 'score',
  p50: 'time',
  p90: 'time',
  p95: 'time',
  p99: 'time',
  latency: 'time',
  load: 'time',
  size: 'bytes',
  memory: 'bytes',
  throughput: 'rate',
};

/** Factor from the unit to the base unit of its dimension: 1, ms, bytes, runs per second. MB is decimal, MiB binary. */
const UNITS: Record<Dimension, Record<string, number>> = {
  score: { '': 1, '%': 0.01 },
  time: { us: 0.001, µs: 0.001, ms: 1, s: 1000 },
  bytes: { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 },
  rate: { '/s': 1, 'per second': 1, '': 1 },
};

type Comparison = '<' | '<=' | '>' | '>=';

export interface Gate {
  text: string;
  subject: Subject;
  comparison: Comparison;
  /** In the base unit of the dimension, or as a share when `of` is set (99 % = 0.99). */
  limit: number;
  /** The variant the limit is relative to. */
  of?: string;
  /** The machine whose measurement counts; absent = every machine. */
  on?: string;
}

const PATTERN =
  /^\s*([a-z0-9]+)\s*(<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)\s*([%a-zA-Zµ/]*(?: second)?)\s*(?:of\s+([a-z0-9][a-z0-9._-]*))?\s*(?:on\s+(.+?))?\s*$/;

/** @throws usage.gate with what was expected, when the text is not a gate */
export function parseGate(text: string): Gate {
  const match = text.length <= MAX_GATE_CHARS ? PATTERN.exec(text) : null;
  if (!match) throw gateError(text, 'a gate such as "metric >= 99% of fp32", "p95 < 20 ms" or "size <= 40% of fp32"');
  const [, word = '', comparison = '', number = '', unit = '', of, on] = match;
  const subject = SUBJECTS.find((s) => s === word);
  if (!subject) throw gateError(text, `one of ${SUBJECTS.join(', ')}`, word);
  const base = { text: text.trim(), subject, comparison: comparison as Comparison, ...(on !== undefined && { on }) };
  if (of !== undefined) {
    if (unit !== '%') throw gateError(text, `a percentage before "of ${of}"`, `${number}${unit}`);
    return { ...base, limit: Number(number) / 100, of };
  }
  const factor = UNITS[DIMENSION[subject]][unit.trim()];
  if (factor === undefined) {
    throw gateError(text, `a unit of ${DIMENSION[subject]}: ${Object.keys(UNITS[DIMENSION[subject]]).filter(Boolean).join(', ')}`, unit || 'no unit');
  }
  return { ...base, limit: Number(number) * factor };
}

function gateError(text: string, expected: string, found?: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.gate',
    message: `"${text.slice(0, MAX_GATE_CHARS)}" is not a gate.`,
    expected,
    ...(found !== undefined && { found }),
    owner: 'usage',
  });
}

export interface GateResult {
  gate: string;
  pass: boolean;
  /** What was measured, in words with its unit. */
  value: string;
  /** What it was held against, in words with its unit. */
  limit: string;
}

/**
 * Judges one variant. A gate whose measurement is missing fails: what was not measured was not met.
 * With several machines and no `on`, the worst machine counts.
 */
export function judgeGate(gate: Gate, variant: TrialVariant, all: readonly TrialVariant[]): GateResult {
  const value = measure(gate, variant);
  const base = gate.of === undefined ? undefined : all.find((v) => v.name === gate.of);
  const baseValue = base && measure(gate, base);
  const limit = gate.of === undefined ? gate.limit : baseValue === undefined ? undefined : gate.limit * baseValue;
  const show = (n: number | undefined) => (n === undefined ? 'not measured' : describe(DIMENSION[gate.subject], n));
  const limitText =
    gate.of === undefined ? `${gate.comparison} ${show(limit)}` : `${gate.comparison} ${show(limit)} (${+(gate.limit * 100).toFixed(4)} % of ${gate.of})`;
  return { gate: gate.text, pass: value !== undefined && limit !== undefined && compare(value, gate.comparison, limit), value: show(value), limit: limitText };
}

function compare(value: number, comparison: Comparison, limit: number): boolean {
  switch (comparison) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
  }
}

function measure(gate: Gate, variant: TrialVariant): number | undefined {
  if (gate.subject === 'size') return variant.bytes;
  if (gate.subject === 'metric' || gate.subject === 'accuracy') return variant.metric?.value;
  const machines = gate.on === undefined ? variant.machines : variant.machines.filter((m) => m.device === gate.on);
  const values = machines.map(({ benchmark }): number => {
    switch (gate.subject) {
      case 'p50':
      case 'latency':
        return benchmark.latencyMs.p50;
      case 'p90':
        return benchmark.latencyMs.p90;
      case 'p95':
        return benchmark.latencyMs.p95;
      case 'p99':
        return benchmark.latencyMs.p99;
      case 'memory':
        return benchmark.peakMemoryBytes;
      case 'load':
        return benchmark.loadMs.cold;
      case 'throughput':
        return benchmark.throughputPerSecond;
      default:
        return Number.NaN;
    }
  });
  if (values.length === 0) return undefined;
  const wantsMore = gate.comparison === '>' || gate.comparison === '>=';
  return wantsMore ? Math.min(...values) : Math.max(...values);
}

function describe(dimension: Dimension, n: number): string {
  switch (dimension) {
    case 'score':
      return String(+n.toPrecision(4));
    case 'time':
      return formatMs(n);
    case 'bytes':
      return formatBytes(n);
    case 'rate':
      return `${significant(n)} /s`;
  }
}
