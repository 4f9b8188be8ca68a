/** What is remembered of trials, and what it says of a variant before that is deployed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Trial, TrialSpecSchema, type TrialVariant } from '#contract';
import { TrialStore } from '#core/trials';

const REF = 'digits@1.0.0';
let dir: string;
let store: TrialStore;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ew-trials-'));
  store = new TrialStore(join(dir, 'trials.db'));
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

function variant(name: string, change: Partial<TrialVariant> = {}): TrialVariant {
  return { name, stage: 'done', golden: { pass: true, maxAbsError: 0, rule: 'close' }, machines: [], gates: [], warnings: [], ...change };
}

let clock = 0;
function keep(variants: TrialVariant[], change: Partial<Trial> = {}): Trial {
  const trial: Trial = {
    id: `trial-${++clock}`,
    ref: REF,
    state: 'done',
    startedAt: clock,
    spec: TrialSpecSchema.parse({ ref: REF }),
    variants,
    variantNames: variants.map((v) => v.name),
    machine: { hostname: 'h', cpu: 'c', onnxruntime: '1.30.0' },
    ...change,
  };
  store.save(trial);
  return trial;
}

test('a variant that was never in a finished trial has no verdict', () => {
  keep([variant('fp32')]);
  keep([variant('int8-static')], { state: 'cancelled' });
  keep([variant('int8-static')], { ref: 'other@1.0.0' });
  expect(store.verdictOn(REF, 'int8-static')).toBeUndefined();
  expect(store.chosen(REF)).toBeUndefined();
});

test('the newest finished trial counts', () => {
  keep([variant('fp32')], { verdict: { chosen: 'fp32', reason: 'fastest' } });
  keep([variant('fp32', { gates: [{ gate: 'p50 < 1 ms', pass: false, value: '2 ms', limit: '< 1 ms' }] })], { verdict: { reason: 'none passed' } });
  expect(store.verdictOn(REF, 'fp32')).toEqual({ pass: false, reason: 'it missed "p50 < 1 ms" in its last trial (2 ms)' });
  expect(store.chosen(REF)).toBeUndefined();
  keep([variant('fp32')], { verdict: { chosen: 'fp32', reason: 'fastest' } });
  expect(store.verdictOn(REF, 'fp32')).toEqual({ pass: true, reason: 'it passed its last trial' });
  expect(store.chosen(REF)).toBe('fp32');
});

test.each([
  ['its golden rule was broken', variant('v', { golden: { pass: false, maxAbsError: 1, rule: 'close', worst: 'logits[0]' } }), 'logits[0]'],
  ['it failed', variant('v', { stage: 'failed', error: { code: 'runtime.crashed', message: 'It crashed.', owner: 'machine' } }), 'It crashed.'],
  ['it was not run', variant('v', { stage: 'not run' }), 'not run'],
  ['nothing proved its answers', variant('v', { golden: undefined }), 'golden'],
])('a variant fails when %s', (_what, failing, said) => {
  keep([failing]);
  expect(store.verdictOn(REF, 'v')).toMatchObject({ pass: false, reason: expect.stringContaining(said) });
});

test('a trial that was cut off says so, and what was measured stays', () => {
  const { id } = keep([variant('fp32'), variant('int8-static', { stage: 'scoring' })], { state: 'running', jobId: 'gone' });
  store.markInterrupted();
  const trial = store.show(id);
  expect(trial).toMatchObject({ state: 'interrupted', variants: [{ stage: 'done' }, { stage: 'not run' }] });
  expect(trial.jobId).toBeUndefined();
});

test('latency samples come back exactly, in the order taken', () => {
  const { id } = keep([variant('fp32')]);
  const ms = Float64Array.of(0.1, 1 / 3, 2e-9);
  store.saveSamples(id, 'fp32', 'this computer', ms);
  expect(store.samples(id)).toEqual([{ variant: 'fp32', machine: 'this computer', ms: [...ms] }]);
});

test('an unknown trial is a wrong word, not a fault', () => {
  expect(() => store.show('none')).toThrow(expect.objectContaining({ code: 'usage.unknown-trial', owner: 'usage' }));
});
