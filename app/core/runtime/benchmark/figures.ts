/** What a series of latencies says, and how far it can be believed. Pure. */
import type { Benchmark, BenchmarkSeries, Latency } from '#contract';
import { percentile, sorted } from '#core/datasets';
import { HISTOGRAM_BINS, OUTLIER_FENCE, TIMELINE_POINTS } from '../limits.ts';

/** @param samplesMs not empty */
export function latencySummary(samplesMs: ArrayLike<number>): Latency {
  const inOrder = sorted(samplesMs);
  return {
    p50: percentile(inOrder, 50),
    p90: percentile(inOrder, 90),
    p95: percentile(inOrder, 95),
    p99: percentile(inOrder, 99),
    mean: inOrder.reduce((a, b) => a + b, 0) / inOrder.length,
    min: inOrder[0] ?? Number.NaN,
    max: inOrder[inOrder.length - 1] ?? Number.NaN,
    samples: inOrder.length,
  };
}

/** Spread of the rounds' medians: (largest - smallest) / median of them. Large means that the machine was busy. */
export function roundNoise(rounds: readonly Float64Array[]): number {
  const medians = roundMedians(rounds);
  if (medians.length < 2) return 0;
  return ((medians[medians.length - 1] ?? 0) - (medians[0] ?? 0)) / percentile(medians, 50);
}

/** Two-sided 95 % points of Student's t for 1 to 30 degrees of freedom; beyond, the normal distribution is near enough. */
const T95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069,
  2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const Z95 = 1.96;

/**
 * 95 % interval of the median latency, from the medians of the rounds (Student's t). Runs of one round share the machine's mood
 * (clock, caches, neighbours), so runs taken as independent would give an interval far too narrow; rounds are the sample.
 * @returns undefined for fewer than three rounds
 */
export function medianInterval(rounds: readonly Float64Array[]): { low: number; high: number } | undefined {
  const medians = roundMedians(rounds);
  if (medians.length < 3) return undefined;
  const mean = medians.reduce((a, b) => a + b, 0) / medians.length;
  const variance = medians.reduce((sum, m) => sum + (m - mean) ** 2, 0) / (medians.length - 1);
  const half = (T95[medians.length - 2] ?? Z95) * Math.sqrt(variance / medians.length);
  return { low: Math.max(0, mean - half), high: mean + half };
}

/** A median with its interval, as far as there is one. */
export interface MedianOf {
  p50: number;
  p50Interval?: { low: number; high: number } | undefined;
}

/** Faster beyond the noise: the intervals do not touch; without intervals (too few rounds) a tenth faster. */
export function surelyFaster(one: MedianOf, than: MedianOf): boolean {
  if (one.p50Interval && than.p50Interval) return one.p50Interval.high < than.p50Interval.low;
  return one.p50 < than.p50 * 0.9;
}

/** Runs beyond Tukey's outer fence (third quartile + 3 interquartile ranges). They stay in every percentile; they are only named. */
export function outliersOf(samplesMs: ArrayLike<number>): NonNullable<Benchmark['outliers']> {
  const inOrder = sorted(samplesMs);
  const third = percentile(inOrder, 75);
  const aboveMs = third + OUTLIER_FENCE * (third - percentile(inOrder, 25));
  const count = inOrder.filter((ms) => ms > aboveMs).length;
  return { count, aboveMs, ...(count > 0 && { worstMs: inOrder[inOrder.length - 1] ?? 0 }) };
}

/**
 * The series as a screen draws it: a histogram from the fastest run to the 99th percentile or to where outliers begin, whichever
 * comes first (what lies above is counted, not drawn, or one slow run would press all others into one bar), and the course of
 * time in points of equally many runs.
 */
export function seriesOf(rounds: readonly Float64Array[]): BenchmarkSeries {
  const all = Float64Array.from(rounds.flatMap((round) => [...round]));
  const inOrder = sorted(all);
  const fromMs = inOrder[0] ?? 0;
  const toMs = Math.min(percentile(inOrder, 99), outliersOf(all).aboveMs);
  const width = (toMs - fromMs) / HISTOGRAM_BINS;
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0);
  let above = 0;
  for (const ms of all) {
    if (ms > toMs) above += 1;
    else {
      const bin = width > 0 ? Math.min(HISTOGRAM_BINS - 1, Math.floor((ms - fromMs) / width)) : 0;
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }
  return { histogram: { fromMs, toMs, counts, above }, timeline: rounds.flatMap((round, at) => pointsOf(round, at, Math.ceil(all.length / TIMELINE_POINTS))) };
}

function pointsOf(round: Float64Array, at: number, runs: number): BenchmarkSeries['timeline'] {
  const points = [];
  for (let from = 0; from < round.length; from += runs) {
    const part = sorted(round.subarray(from, from + runs));
    points.push({ round: at, runs: part.length, p50: percentile(part, 50), max: part[part.length - 1] ?? 0 });
  }
  return points;
}

function roundMedians(rounds: readonly Float64Array[]): Float64Array {
  return sorted(rounds.filter((r) => r.length > 0).map((r) => percentile(sorted(r), 50)));
}
