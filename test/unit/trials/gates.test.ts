import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Benchmark, TrialVariant } from '#contract';
import { decide, judgeGate, markPareto, nextStep, parseGate } from '#core/trials';

function variant(name: string, p50: number, bytes: number, score: number, more: Partial<TrialVariant> = {}): TrialVariant {
  const benchmark: Benchmark = {
    latencyMs: { p50, p90: p50 * 1.2, p95: p50 * 1.5, p99: p50 * 2, mean: p50, min: p50, max: p50 * 3, samples: 100 },
    throughputPerSecond: 1000 / p50,
    loadMs: { cold: 20, warm: 5 },
    peakMemoryBytes: 50e6,
    threads: 1,
    batch: 1,
    noise: 0.01,
  };
  return {
    name,
    stage: 'done',
    bytes,
    metric: { name: 'top1_accuracy', value: score, low: score - 0.01, high: score + 0.01, samples: 600, higherIsBetter: true },
    golden: { pass: true, maxAbsError: 0, rule: 'close' },
    machines: [{ device: 'this computer', benchmark, providers: { requested: ['cpu'], actual: { cpu: 3 }, fallbacks: [] } }],
    gates: [],
    warnings: [],
    ...more,
  };
}

const fp32 = variant('fp32', 10, 1000e3, 0.98);

describe('gates', () => {
  test.each([
    ['metric >= 99% of fp32', 0.9702, true],
    ['metric >= 99% of fp32', 0.9701, false],
    ['accuracy >= 0.97', 0.97, true],
    ['accuracy >= 97%', 0.97, true],
    ['metric > 0.97', 0.97, false],
  ])('%s on %f: %s', (text, score, pass) => {
    const v = variant('int8', 5, 300e3, score);
    expect(judgeGate(parseGate(text), v, [fp32, v]).pass).toBe(pass);
  });

  test.each([
    ['p95 < 20 ms', 13, true],
    ['p95 < 20 ms', 14, false],
    ['p50 <= 0.01 s', 10, true],
    ['latency <= 50% of fp32', 5, true],
    ['latency <= 50% of fp32', 5.1, false],
    ['throughput >= 100 /s', 10, true],
    ['p95 < 20 ms on dev-3', 1, false],
    ['p95 < 20 ms on this computer', 1, true],
  ])('%s at p50 %f ms: %s', (text, p50, pass) => {
    const v = variant('int8', p50, 300e3, 0.98);
    expect(judgeGate(parseGate(text), v, [fp32, v]).pass).toBe(pass);
  });

  test.each([
    ['size <= 40% of fp32', 400e3, true],
    ['size <= 40% of fp32', 400_001, false],
    ['size < 1 MB', 999_999, true],
    ['size < 1 MiB', 1_048_576, false],
  ])('%s at %d bytes: %s', (text, bytes, pass) => {
    const v = variant('int8', 5, bytes, 0.98);
    expect(judgeGate(parseGate(text), v, [fp32, v]).pass).toBe(pass);
  });

  test('what was not measured was not met', () => {
    const { metric: _none, ...rest } = variant('int8', 5, 1, 1);
    expect(judgeGate(parseGate('metric >= 0'), rest, [fp32, rest])).toMatchObject({ pass: false, value: 'not measured' });
    expect(judgeGate(parseGate('size <= 40% of fp16'), fp32, [fp32]).pass).toBe(false);
  });

  test.each(['', 'speed < 3', 'p95 < 20 kg', 'p95 = 20 ms', 'size <= 40 MB of fp32', 'p95 < -1 ms', 'x'.repeat(500)])(
    '%j is refused with what was expected',
    (text) => {
      expect(() => parseGate(text)).toThrowError(expect.objectContaining({ code: 'usage.gate', owner: 'usage' }) as Error);
    },
  );

  test('any text is a gate or a clear refusal', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          expect(parseGate(text).text).toBe(text.trim());
        } catch (error) {
          expect(error).toMatchObject({ code: 'usage.gate' });
        }
      }),
    );
  });
});

describe('the Pareto front', () => {
  test('a variant that is worse on everything is dominated, and says by what', () => {
    const marked = markPareto([fp32, variant('int8', 5, 300e3, 0.98), variant('int4', 6, 400e3, 0.97)]);
    expect(marked.map((v) => [v.name, v.pareto, v.dominatedBy])).toEqual([
      ['fp32', false, 'int8'],
      ['int8', true, undefined],
      ['int4', false, 'int8'],
    ]);
  });

  test('nobody on the front is dominated, and everybody else is by somebody on it', () => {
    const point = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 12 }), (points) => {
        const marked = markPareto(points.map(([p50, bytes, score], i) => variant(`v${i}`, p50, bytes, score / 10)));
        const front = new Set(marked.filter((v) => v.pareto).map((v) => v.name));
        expect(front.size).toBeGreaterThan(0);
        for (const v of marked) expect(v.pareto === true || front.has(v.dominatedBy ?? '')).toBe(true);
      }),
    );
  });
});

describe('the verdict', () => {
  test('the fastest that passes', () => {
    expect(decide([fp32, variant('int8', 5, 300e3, 0.98)])).toMatchObject({
      chosen: 'int8',
      reason: expect.stringContaining('2.00× faster than fp32') as string,
    });
  });

  test('of those as fast as each other, the smallest', () => {
    expect(decide([fp32, variant('a', 5, 400e3, 0.98), variant('b', 5.1, 300e3, 0.98)]).chosen).toBe('b');
  });

  test('a slower variant is not chosen over fp32, and the reason says so', () => {
    expect(decide([fp32, variant('int8', 20, 300e3, 0.98)])).toMatchObject({
      chosen: 'fp32',
      reason: expect.stringContaining('2.00× faster than int8') as string,
    });
  });

  test('when fp32 itself fails, a slower one that passes is chosen and called slower', () => {
    const failed = variant('fp32', 10, 1000e3, 0.98, { gates: [{ gate: 'size < 500 kB', pass: false, value: '1 MB', limit: '< 500 kB' }] });
    expect(decide([failed, variant('int8', 20, 300e3, 0.98)])).toMatchObject({
      chosen: 'int8',
      reason: expect.stringContaining('2.00× slower than fp32') as string,
    });
  });

  test('a variant that broke its golden rule is never chosen', () => {
    const broken = variant('int8', 1, 1, 1, { golden: { pass: false, maxAbsError: 9, rule: 'close', worst: 'logits[0,1]' } });
    expect(decide([broken])).toEqual({ reason: expect.stringContaining('logits[0,1]') as string });
  });
});

describe('a verdict without a golden set, or without fp32', () => {
  test('names what proves nothing', () => {
    const { golden: _none, ...unproven } = variant('fp32', 10, 1000e3, 0.98);
    expect(decide([unproven])).toMatchObject({ chosen: 'fp32', reason: expect.stringContaining('no golden set') as string });
  });

  test('holds the others against the first variant, whatever its precision', () => {
    expect(decide([variant('int8', 10, 1000e3, 0.98), variant('int8-static', 5, 1000e3, 0.98)]).reason).toContain('2.00× faster than int8');
  });
});

describe('the plan', () => {
  test('each variant is checked to the end, then all are benchmarked together, then judged', () => {
    const waiting = (name: string): TrialVariant => ({ name, stage: 'waiting', machines: [], gates: [], warnings: [] });
    expect(nextStep({ variants: [waiting('fp32'), waiting('int8')] })).toEqual({ kind: 'make', variant: 'fp32' });
    expect(nextStep({ variants: [{ ...waiting('fp32'), stage: 'benchmarking' }, waiting('int8')] })).toEqual({ kind: 'make', variant: 'int8' });
    expect(
      nextStep({
        variants: [
          { ...waiting('fp32'), stage: 'benchmarking' },
          { ...waiting('int8'), stage: 'failed' },
        ],
      }),
    ).toEqual({ kind: 'benchmark', variants: ['fp32'] });
    expect(nextStep({ variants: [fp32] })).toEqual({ kind: 'judge' });
    expect(nextStep({ variants: [fp32], verdict: { reason: 'x' } })).toBeUndefined();
  });
});
