import { describe, expect, test } from 'vitest';
import type { TensorInfo } from '#contract';
import { makeTensor } from '#core/datasets';
import { fixedBatch, medianInterval, outliersOf, repeatRows, seriesOf } from '#core/runtime';
import { summarize } from '../../../app/core/runtime/benchmark/node-costs.ts';
import { recommend } from '../../../app/core/runtime/benchmark/compare-providers.ts';
import { chooseSimplest, threadChoices } from '../../../app/core/runtime/benchmark/tune.ts';
import { profileOf } from '../../../app/core/runtime/runner-profile.ts';

describe('how far a median can be believed', () => {
  test('the interval comes from the rounds, with Student’s t', () => {
    // Medians 1, 2, 3: mean 2, standard error 1/√3, t(2) = 4.303.
    const interval = medianInterval([Float64Array.of(1, 1, 1), Float64Array.of(2), Float64Array.of(3, 3)]);
    expect(interval?.high).toBeCloseTo(2 + 4.303 / Math.sqrt(3), 6);
    expect(interval?.low).toBe(0);
    expect(medianInterval([Float64Array.of(1), Float64Array.of(2)])).toBeUndefined();
  });

  test('runs far beyond the others are named, and none in an even series', () => {
    const even = Array.from({ length: 100 }, (_, i) => 10 + (i % 10) / 10);
    expect(outliersOf(even)).toMatchObject({ count: 0 });
    expect(outliersOf(even)).not.toHaveProperty('worstMs');
    expect(outliersOf([...even, 40, 90])).toMatchObject({ count: 2, worstMs: 90 });
  });

  test('the series counts every run once and keeps the rounds apart', () => {
    const rounds = [Float64Array.from({ length: 700 }, (_, i) => 1 + i / 1000), Float64Array.from({ length: 700 }, (_, i) => (i === 3 ? 500 : 2))];
    const { histogram, timeline } = seriesOf(rounds);
    expect(histogram.counts.reduce((a, b) => a + b, 0) + histogram.above).toBe(1400);
    expect(histogram.above).toBeGreaterThanOrEqual(1);
    expect(histogram.toMs).toBeLessThan(500);
    expect(timeline.reduce((sum, point) => sum + point.runs, 0)).toBe(1400);
    expect(new Set(timeline.map((point) => point.round))).toEqual(new Set([0, 1]));
    expect(Math.max(...timeline.map((point) => point.max))).toBe(500);
    // All alike: one bar, and no division by zero.
    expect(seriesOf([Float64Array.of(2, 2, 2)]).histogram.counts[0]).toBe(3);
  });
});

describe('batches', () => {
  test('too few samples are run again from the first', () => {
    const feeds = repeatRows({ x: makeTensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4)) }, 5);
    expect(feeds.x).toMatchObject({ dims: [5, 2], data: Float32Array.of(1, 2, 3, 4, 1, 2, 3, 4, 1, 2) });
    expect(repeatRows({ x: makeTensor('float32', [3, 1], Float32Array.of(1, 2, 3)) }, 2).x?.data).toEqual(Float32Array.of(1, 2));
  });

  test('a model tells whether its batch is fixed', () => {
    const input = (dims: TensorInfo['dims']) => [{ name: 'x', type: 'float32', dims }];
    expect(fixedBatch(input(['batch', 3]))).toBeUndefined();
    expect(fixedBatch(input([4, 3]))).toBe(4);
    expect(fixedBatch(input([]))).toBe(1);
  });
});

describe('choosing a setting', () => {
  const row = (threads: number, p50: number, half: number) => ({
    threads,
    optimization: 'all' as const,
    p50,
    cpuCores: 1,
    p50Interval: { low: p50 - half, high: p50 + half },
  });

  test('more threads only where they are faster beyond the noise', () => {
    expect(chooseSimplest([row(1, 10, 1), row(2, 9.5, 1), row(4, 9.4, 1)]).threads).toBe(1);
    expect(chooseSimplest([row(1, 10, 1), row(2, 6, 0.5), row(4, 5.8, 0.5)]).threads).toBe(2);
    expect(chooseSimplest([row(1, 10, 1), row(2, 6, 0.5), row(4, 3, 0.5)]).threads).toBe(4);
  });

  test('1, 2, 4 … and all cores', () => {
    expect(threadChoices(1)).toEqual([1]);
    expect(threadChoices(6)).toEqual([1, 2, 4, 6]);
    expect(threadChoices(8)).toEqual([1, 2, 4, 8]);
  });
});

describe('reading a profile', () => {
  const node = (name: string, op: string, dur: number) => ({
    cat: 'Node',
    name: `${name}_kernel_time`,
    dur,
    args: { op_name: op, provider: 'CPUExecutionProvider', node_index: name },
  });
  const run = (dur: number) => ({ cat: 'Session', name: 'model_run', dur });

  test('the first run is left out, and what runs twice in a run counts twice', () => {
    const events = [
      node('a', 'Conv', 9000),
      node('b', 'Add', 9000),
      run(20_000),
      node('a', 'Conv', 300),
      node('b', 'Add', 50),
      node('b', 'Add', 50),
      run(500),
      node('a', 'Conv', 500),
      node('b', 'Add', 50),
      node('b', 'Add', 50),
      run(700),
    ];
    expect(profileOf(events)).toEqual({
      runs: 2,
      runMs: 0.6,
      nodes: [
        { name: 'a', op: 'Conv', provider: 'CPUExecutionProvider', ms: 0.4, calls: 1 },
        { name: 'b', op: 'Add', provider: 'CPUExecutionProvider', ms: 0.1, calls: 2 },
      ],
    });
    expect(profileOf([node('a', 'Conv', 300), run(400)])).toMatchObject({ runs: 1, runMs: 0.4, nodes: [{ ms: 0.3 }] });
    expect(profileOf([])).toEqual({ runs: 1, runMs: 0, nodes: [] });
  });

  test('a run in which something else had the processor makes no node heavy', () => {
    const calm = [node('a', 'Conv', 300), node('b', 'ReduceMean', 10), run(400)];
    const events = [...calm, ...calm, node('a', 'Conv', 300), node('b', 'ReduceMean', 90_000), run(90_400), ...calm];
    expect(profileOf(events)).toMatchObject({ runs: 3, runMs: 0.4, nodes: [{ ms: 0.3 }, { ms: 0.01 }] });
  });

  test('operators come heaviest first, and the heavy ones with what to do', () => {
    const nodes = (op: string, ms: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({ name: `${op}${i}`, op, provider: 'CPUExecutionProvider', ms, calls: 1 }));
    const costs = summarize({ runs: 3, runMs: 10, nodes: [...nodes('Relu', 0.1, 5), ...nodes('Transpose', 1, 3), ...nodes('Conv', 2, 3)] });
    expect(costs.operators.map((one) => [one.op, one.nodes, one.provider])).toEqual([
      ['Conv', 3, 'cpu'],
      ['Transpose', 3, 'cpu'],
      ['Relu', 5, 'cpu'],
    ]);
    expect(costs.operators[0]?.advice).toMatch(/quantize/);
    expect(costs.operators[1]?.advice).toMatch(/Moves data/);
    expect(costs.operators[2]).not.toHaveProperty('advice');
    expect(costs.operators.reduce((sum, one) => sum + one.share, 0)).toBeCloseTo(1, 9);
  });
});

describe('recommending an execution provider', () => {
  const row = (provider: string, p50: number, half: number, onIt = 44) => ({
    provider,
    title: provider === 'coreml' ? 'Apple Core ML' : 'CPU',
    p50,
    p50Interval: { low: p50 - half, high: p50 + half },
    nodes: 44,
    onIt,
    fellBack: [],
  });

  test('says for how many nodes, how many fall back, and how much faster it was measured', () => {
    expect(recommend([row('cpu', 21, 1), row('coreml', 10, 1, 41)])).toEqual({
      provider: 'coreml',
      reason: 'Apple Core ML for 41 of 44 nodes, 3 fall back; measured 2.1× faster than the CPU provider.',
    });
    expect(recommend([row('cpu', 20, 1), row('coreml', 10, 1)]).reason).toMatch(/for all 44 nodes/);
  });

  test('noise recommends nothing but the CPU', () => {
    expect(recommend([row('cpu', 10, 1), row('coreml', 9.5, 1)]).provider).toBe('cpu');
    expect(recommend([row('cpu', 10, 1)]).reason).toMatch(/no other execution provider works here/);
  });
});
