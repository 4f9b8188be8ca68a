/** The verdict over a deployment on trial. */
import { describe, expect, test } from 'vitest';
import { judge, type Observed, TrialWatch } from '../../../app/agent/serving/watch.ts';

const WATCH = { seconds: 60, requests: 100, maxFailureShare: 0.05, minFailures: 3 };
const seen = (more: Partial<Observed>): Observed => ({ ms: 0, requests: 0, failures: 0, crashes: 0, starts: 0, latencies: [], peakMemoryBytes: 0, ...more });
const verdict = (more: Partial<Observed>, limits = {}) => {
  const said = judge(seen(more), WATCH, limits);
  return said.is === 'roll back' ? said.error.code : said.is;
};

describe('the watch', () => {
  test.each([
    [{}, 'wait'],
    [{ ms: 60_000 }, 'wait'],
    [{ requests: 100 }, 'wait'],
    [{ ms: 59_999, requests: 1000 }, 'wait'],
    [{ ms: 60_000, requests: 100 }, 'commit'],
    // Few failures of few requests say nothing; three of many are within the share.
    [{ requests: 2, failures: 2 }, 'wait'],
    [{ requests: 3, failures: 3 }, 'device.failures'],
    [{ requests: 60, failures: 3 }, 'wait'],
    [{ requests: 59, failures: 3 }, 'device.failures'],
    [{ ms: 60_000, requests: 100, failures: 6 }, 'device.failures'],
    [{ ms: 60_000, requests: 100, failures: 5 }, 'commit'],
    [{ crashes: 2 }, 'wait'],
    [{ crashes: 3, requests: 10_000 }, 'device.runner-crashes'],
    [{ starts: 3 }, 'device.crash-loop'],
  ])('%j: %s', (counts, expected) => {
    expect(verdict(counts)).toBe(expected);
  });

  test('limits on latency need enough samples; without limits nothing is slow', () => {
    const slow = { latencies: Array.from({ length: 20 }, () => 31) };
    expect(verdict(slow)).toBe('wait');
    expect(verdict(slow, { p95Ms: 30 })).toBe('device.too-slow');
    expect(verdict({ latencies: slow.latencies.slice(1) }, { p95Ms: 30 })).toBe('wait');
    // One slow run in fifty is no 95th percentile.
    expect(verdict({ latencies: [...Array.from({ length: 49 }, () => 1), 500] }, { p95Ms: 30 })).toBe('wait');
    expect(verdict({ peakMemoryBytes: 11 }, { memoryBytes: 10 })).toBe('device.too-much-memory');
  });

  test('counts go on where they were left, and only changes are written down', () => {
    const watch = new TrialWatch('d1', WATCH, {}, { ms: 59_000, requests: 98, failures: 1, crashes: 0 }, 0);
    expect(watch.unsaved()).toBeUndefined();
    watch.passed(1000);
    watch.succeeded(2);
    expect(watch.verdict()).toEqual({ is: 'wait' });
    watch.failed();
    expect(watch.verdict()).toEqual({ is: 'commit' });
    expect(watch.unsaved()).toEqual({ ms: 60_000, requests: 100, failures: 2, crashes: 0 });
    expect(watch.unsaved()).toBeUndefined();
  });
});
