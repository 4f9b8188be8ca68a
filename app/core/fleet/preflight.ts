/**
 * Whether a device can take a bundle, before a byte is sent: a list of checks, each with its reason. Pure; the facts are
 * gathered by the caller.
 */
import { type BundleDetail, type ErrorBody, formatBytes, type HardwareReport, type Owner, type Preflight, type Variant } from '#contract';
import { type AgentStatus, compareVersions, type Descriptor, DISK_RESERVE_BYTES } from '#core/protocol';
import { MEMORY_PER_MODEL_BYTE, RUNNER_BASE_BYTES } from './limits.ts';

/** What a trial says of a variant. The caller decides whether a variant that was never tried may go (`ok`). */
export interface Verdict {
  ok: boolean;
  detail: string;
}

export interface PreflightFacts {
  device: string;
  /** What the device answered just now, or why it did not. */
  status: AgentStatus | ErrorBody;
  bundle: Pick<BundleDetail, 'name' | 'version' | 'state' | 'stateReason' | 'opsets' | 'limits' | 'files'>;
  variant: Variant;
  /** Every blob the device needs. */
  blobs: readonly Descriptor[];
  /** Digests of blobs that the device holds for the bundles it reports. */
  there: ReadonlySet<string>;
  verdict: Verdict;
  /** A person decided to go back to an older version. */
  allowDowngrade: boolean;
  /** ONNX Runtime's version here, where the bundle was proven; absent: not compared. */
  onnxruntime?: string;
}

interface Check {
  name: string;
  ok: boolean;
  detail: string;
}

/** Whose failure a check is; what is not listed is the device's. `reachable` keeps the error it failed with. */
const OWNERS: Record<string, Owner> = { sound: 'input', 'golden set': 'input', signed: 'trust', version: 'trust', verdict: 'gate' };

/** No override helps against these: there is nothing to send, nowhere to send it, or it needs a decision of its own. */
const ABSOLUTE = new Set(['reachable', 'sound', 'signed', 'version']);

/** ONNX Runtime runs every opset from 7 up to its own (documented compatibility). */
const OLDEST_OPSET = 7;

/** Every check with its answer; `ok` only when all are. A device that does not answer is checked no further. */
export function checkDevice(facts: PreflightFacts): Preflight {
  const { bundle, variant, status, verdict } = facts;
  const checks: Check[] = [];
  const add = (name: string, ok: boolean, detail: string) => void checks.push({ name, ok, detail });

  add(
    'sound',
    bundle.state === 'sound',
    bundle.state === 'sound' ? 'the bundle is complete and its model was loaded here' : (bundle.stateReason ?? `the bundle is ${bundle.state}`),
  );
  add('signed', variant.signed, variant.signed ? 'signed by this workspace' : 'the variant is not signed; the device would refuse it');
  const golden = bundle.files.some((f) => f.role === 'golden');
  add('golden set', golden, golden ? 'the device can test it before it serves' : 'the bundle has no golden set, so the device cannot test it');
  add('verdict', verdict.ok, verdict.detail);
  if (!isStatus(status)) {
    add('reachable', false, [status.message, status.found].filter(Boolean).join(' '));
    return { device: facts.device, ok: false, checks };
  }
  add('reachable', true, `agent ${status.agentVersion}`);
  const serving = status.bundles.find((b) => b.name === bundle.name && (b.state === 'active' || b.state === 'on trial'));
  const older = serving !== undefined && compareVersions(bundle.version, serving.version) < 0;
  add(
    'version',
    !older || facts.allowDowngrade,
    older
      ? `older than ${serving.version}, which the device serves${facts.allowDowngrade ? '; you asked for that' : ''}`
      : serving
        ? `replaces ${serving.version}#${serving.variant}`
        : `the first ${bundle.name} on this device`,
  );
  const bytesToSend = sum(facts.blobs.filter((b) => !facts.there.has(b.digest)));
  const bytesThere = sum(facts.blobs) - bytesToSend;
  const needed = bytesToSend + DISK_RESERVE_BYTES;
  add('disk', status.diskFreeBytes >= needed, `needs ${formatBytes(needed)}, ${formatBytes(status.diskFreeBytes)} free`);
  if (status.hardware) checks.push(...hardwareChecks(facts, status.hardware));
  else add('hardware', true, 'the device has not reported its hardware yet; it tests the bundle itself');
  return { device: facts.device, ok: checks.every((c) => c.ok), checks, bytesToSend, bytesThere };
}

function hardwareChecks({ bundle, variant, onnxruntime }: PreflightFacts, hardware: HardwareReport): Check[] {
  const checks: Check[] = [];
  const { arch, os, onnxruntime: theirs } = hardware.machine;
  const known = arch === 'x64' || arch === 'arm64';
  checks.push({ name: 'architecture', ok: known, detail: known ? `${os}, ${arch}` : `ONNX Runtime is not built for ${arch}` });
  // Every bundle runs on the CPU provider; better ones are the device's choice.
  const cpu = hardware.providers.find((p) => p.name === 'cpu');
  const runs = cpu === undefined || cpu.state === 'verified' || cpu.state === 'runtime ok';
  checks.push({ name: 'provider', ok: runs, detail: runs ? 'cpu' : `the CPU provider is only "${cpu?.state}": ${cpu?.reason ?? 'no reason given'}` });
  checks.push(opsetCheck(bundle.opsets, onnxruntime, theirs));
  const needed = bundle.limits?.memoryBytes ?? RUNNER_BASE_BYTES + variant.bytes * MEMORY_PER_MODEL_BYTE;
  const total = Math.min(hardware.memory.totalBytes, hardware.memory.limitBytes ?? Number.POSITIVE_INFINITY);
  const both = hardware.memory.availableBytes >= needed;
  const room = both ? 'the one before stays loaded until it commits' : 'the one before may not stay loaded: a rollback would load it again';
  checks.push({ name: 'memory', ok: total >= needed, detail: `needs about ${formatBytes(needed)} of ${formatBytes(total)}; ${room}` });
  return checks;
}

function opsetCheck(opsets: Record<string, number>, ours: string | undefined, theirs: string): Check {
  const opset = opsets['ai.onnx'] ?? opsets[''];
  const name = 'opset';
  const what = opset === undefined ? 'its opsets' : `opset ${opset}`;
  if (opset !== undefined && opset < OLDEST_OPSET) return { name, ok: false, detail: `${what} is older than any ONNX Runtime runs (${OLDEST_OPSET})` };
  if (ours === undefined || !isVersion(ours) || !isVersion(theirs)) return { name, ok: true, detail: `${what}; the device runs ONNX Runtime ${theirs}` };
  const ok = compareVersions(theirs, ours) >= 0;
  return { name, ok, detail: ok ? `${what} on ONNX Runtime ${theirs}` : `${what} was proven on ONNX Runtime ${ours}; the device has the older ${theirs}` };
}

function isVersion(text: string): boolean {
  return /^\d+\.\d+\.\d+/.test(text);
}

function isStatus(status: AgentStatus | ErrorBody): status is AgentStatus {
  return 'agentVersion' in status;
}

function sum(blobs: readonly Descriptor[]): number {
  return blobs.reduce((total, b) => total + b.size, 0);
}

/**
 * The error a pre-flight stands for, or undefined where it may go ahead.
 * @param unreachable what asking the device failed with
 */
export function preflightError(preflight: Preflight, override: string | undefined, unreachable: ErrorBody | undefined): ErrorBody | undefined {
  const no = preflight.checks.filter((c) => !c.ok && (override === undefined || ABSOLUTE.has(c.name)));
  const first = no[0];
  if (!first) return undefined;
  if (no.every((c) => c.name === 'reachable') && unreachable) return unreachable;
  const worst = no.find((c) => c.name !== 'reachable') ?? first;
  return {
    code: `deployment.preflight-${worst.name.replaceAll(' ', '-')}`,
    message: `${preflight.device} cannot take it: ${no.map((c) => `${c.name}: ${c.detail}`).join('; ')}.`,
    hint:
      worst.name === 'version'
        ? 'Nothing was sent. Roll back instead, or allow the downgrade.'
        : ABSOLUTE.has(worst.name)
          ? 'Nothing was sent.'
          : 'Nothing was sent. Mend it, or deploy with an override and its reason.',
    owner: OWNERS[worst.name] ?? 'device',
  };
}
