import { expect, test } from 'vitest';
import type { HardwareReport } from '#contract';
import { type AgentStatus } from '#core/protocol';
import { checkDevice, endError, type PreflightFacts, preflightError } from '#core/fleet';

const digest = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`;

function hardware(
  more: { arch?: string; onnxruntime?: string; totalBytes?: number; availableBytes?: number; cpu?: 'verified' | 'driver ok' } = {},
): HardwareReport {
  const { arch = 'arm64', onnxruntime = '1.30.0', totalBytes = 4e9, availableBytes = 2e9, cpu = 'verified' } = more;
  return {
    detectedAt: 1,
    summary: 'Runs on the CPU.',
    machine: { hostname: 'pump', os: 'Linux', arch, kernel: '6', onnxruntime, node: 'v24' },
    cpu: { model: 'A76', cores: 4, usableCores: 4, features: {}, int8: { path: 'dot', advice: '' } },
    memory: { totalBytes, availableBytes },
    devices: [],
    providers: [{ name: 'cpu', title: 'CPU', state: cpu, reason: 'a library is missing' }],
    probes: [],
  };
}

function status(more: Partial<AgentStatus> = {}): AgentStatus {
  return {
    id: 'dev-a',
    name: 'pump-3',
    agentVersion: '0.1.0',
    time: 1,
    inference: 'http://127.0.0.1:1',
    diskFreeBytes: 1e9,
    bundles: [],
    serving: [],
    lastEventSeq: 0,
    hardware: hardware(),
    ...more,
  };
}

function facts(more: Partial<PreflightFacts> = {}): PreflightFacts {
  return {
    device: 'pump-3',
    allowDowngrade: false,
    status: status(),
    bundle: {
      name: 'digits',
      version: '1.1.0',
      state: 'sound',
      opsets: { 'ai.onnx': 18 },
      limits: {},
      files: [{ path: 'golden.npz', role: 'golden', digest: digest(1), bytes: 10 }],
    },
    variant: { name: 'fp32', digest: digest(9), bytes: 1e6, precision: 'fp32', signed: true, createdAt: 1 },
    blobs: [
      { digest: digest(1), size: 1_000 },
      { digest: digest(2), size: 500 },
    ],
    there: new Set([digest(2)]),
    verdict: { ok: true, detail: 'passed' },
    onnxruntime: '1.30.0',
    ...more,
  };
}

const failed = (f: PreflightFacts) =>
  checkDevice(f)
    .checks.filter((c) => !c.ok)
    .map((c) => c.name);

test('a device that fits passes every check, and what it has is not counted as to send', () => {
  const preflight = checkDevice(facts());
  expect(preflight).toMatchObject({ ok: true, bytesToSend: 1000, bytesThere: 500 });
  expect(preflight.checks.map((c) => c.name)).toEqual([
    'sound',
    'signed',
    'golden set',
    'verdict',
    'reachable',
    'version',
    'disk',
    'architecture',
    'provider',
    'opset',
    'memory',
  ]);
  expect(preflightError(preflight, undefined, undefined)).toBeUndefined();
});

test.each([
  ['disk', 'device', facts({ status: status({ diskFreeBytes: 60e6 }) })],
  ['architecture', 'device', facts({ status: status({ hardware: hardware({ arch: 'riscv64' }) }) })],
  ['provider', 'device', facts({ status: status({ hardware: hardware({ cpu: 'driver ok' }) }) })],
  ['opset', 'device', facts({ status: status({ hardware: hardware({ onnxruntime: '1.29.2' }) }) })],
  ['opset', 'device', facts({ bundle: { ...facts().bundle, opsets: { 'ai.onnx': 6 } } })],
  ['memory', 'device', facts({ status: status({ hardware: hardware({ totalBytes: 100e6 }) }) })],
  ['memory', 'device', facts({ bundle: { ...facts().bundle, limits: { memoryBytes: 8e9 } } })],
  ['signed', 'trust', facts({ variant: { ...facts().variant, signed: false } })],
  ['verdict', 'gate', facts({ verdict: { ok: false, detail: 'missed accuracy >= 99% of fp32' } })],
  ['golden set', 'input', facts({ bundle: { ...facts().bundle, files: [] } })],
  ['sound', 'input', facts({ bundle: { ...facts().bundle, state: 'quarantined', stateReason: 'a blob is altered' } })],
] as const)('the check "%s" says no, and whose it is (%s)', (name, owner, f) => {
  expect(failed(f)).toEqual([name]);
  const error = preflightError(checkDevice(f), undefined, undefined);
  expect(error).toMatchObject({ owner, code: `deployment.preflight-${name.replace(' ', '-')}`, message: expect.stringContaining('pump-3 cannot take it') });
  // An override is a person's decision, but nobody can decide that an unsigned bundle is signed.
  expect(preflightError(checkDevice(f), 'I know', undefined) === undefined).toBe(name !== 'signed' && name !== 'sound');
});

test('going back to an older version is a rollback’s business', () => {
  const bundles = [{ name: 'digits', version: '1.2.0', variant: 'fp32', digest: digest(5), state: 'active' as const, since: 1 }];
  const f = facts({ status: status({ bundles }) });
  expect(failed(f)).toEqual(['version']);
  expect(preflightError(checkDevice(f), undefined, undefined)).toMatchObject({ owner: 'trust' });
  // Overriding another check must not switch this guard off; only the decision itself does.
  expect(preflightError(checkDevice(f), 'I know', undefined)).toMatchObject({ code: 'deployment.preflight-version' });
  expect(failed({ ...f, allowDowngrade: true })).toEqual([]);
});

test('a device that does not answer keeps the reason it did not', () => {
  const unreachable = { code: 'network.unreachable', message: 'pump-3 cannot be reached.', found: 'ECONNREFUSED', owner: 'network' as const };
  const preflight = checkDevice(facts({ status: unreachable }));
  expect(preflight.ok).toBe(false);
  expect(preflight.checks.find((c) => c.name === 'reachable')).toMatchObject({ ok: false, detail: 'pump-3 cannot be reached. ECONNREFUSED' });
  expect(preflightError(preflight, 'anyway', unreachable)).toBe(unreachable);
});

test('a device that has not looked at itself yet is not held back for it', () => {
  const { hardware: _none, ...blind } = status();
  expect(checkDevice(facts({ status: blind })).ok).toBe(true);
});

test.each([
  ['refused', { code: 'device.golden-failed', message: 'No.', owner: 'gate' }, 'gate'],
  ['refused', { code: 'trust.unsigned', message: 'No.', owner: 'trust' }, 'trust'],
  ['refused', { code: 'runtime.load-failed', message: 'No.', owner: 'input' }, 'gate'],
  ['refused', { code: 'machine.disk-full', message: 'No.', owner: 'machine' }, 'device'],
  ['refused', undefined, 'device'],
  ['rolled back', { code: 'device.failures', message: 'No.', owner: 'gate' }, 'gate'],
  ['rolled back', { code: 'device.rolled-back-by-hand', message: 'No.', owner: 'cancelled' }, 'cancelled'],
  ['cancelled', undefined, 'cancelled'],
] as const)('ended as %s because of %o it is the %s’s', (state, error, owner) => {
  expect(endError({ device: 'pump-3', ref: 'digits@1.0.0', state, served: false, view: { ...(error && { error }) } })).toMatchObject({ owner });
});
