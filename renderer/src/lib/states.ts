/** What a state means: its tone and its words. One place, so that the same state looks the same on every screen. */
import type { BundleSummary, Deployment, Device, DeviceBundle, Job, Reach, TrialSummary, TrialVariant } from '#contract';
import { plainName } from './plain-name.ts';

export type Tone = 'good' | 'notice' | 'bad' | 'running' | 'neutral';
export interface Meaning {
  tone: Tone;
  word: string;
  /** Why, where there is a reason. */
  reason?: string | undefined;
}

/** A reason may quote what a stranger wrote. */
function reasonOf({ stateReason }: BundleSummary): string | undefined {
  return stateReason === undefined ? undefined : plainName(stateReason);
}

export function bundleMeaning(bundle: BundleSummary): Meaning {
  if (bundle.state === 'quarantined') return { tone: 'bad', word: 'Quarantined', reason: reasonOf(bundle) };
  if (bundle.state === 'incomplete') return { tone: 'notice', word: 'Incomplete', reason: reasonOf(bundle) };
  if (!bundle.signed) return { tone: 'notice', word: 'Unsigned', reason: reasonOf(bundle) };
  return { tone: 'good', word: 'Sound and signed' };
}

const TRIAL: Record<TrialSummary['state'], Meaning> = {
  running: { tone: 'running', word: 'Running' },
  done: { tone: 'good', word: 'Done' },
  cancelled: { tone: 'neutral', word: 'Cancelled' },
  failed: { tone: 'bad', word: 'Failed' },
  interrupted: { tone: 'notice', word: 'Interrupted' },
};

export function trialMeaning(trial: TrialSummary): Meaning {
  if (trial.state === 'done' && trial.verdict && trial.verdict.chosen === undefined) return { tone: 'notice', word: 'No variant passed' };
  return TRIAL[trial.state];
}

/** Variant in a trial: chosen · on the Pareto front · dominated by … · failed gate … · not run. */
export function variantMeaning(variant: TrialVariant, chosen: string | undefined): Meaning {
  if (variant.stage === 'failed') return { tone: 'bad', word: 'Failed', reason: variant.error?.message };
  if (variant.stage === 'not run') return { tone: 'neutral', word: 'Not run' };
  if (variant.stage === 'waiting') return { tone: 'neutral', word: 'Waiting' };
  if (variant.stage !== 'done') return { tone: 'running', word: STAGE_WORDS[variant.stage] };
  if (variant.name === chosen) return { tone: 'good', word: 'Chosen' };
  if (variant.golden && !variant.golden.pass) return { tone: 'bad', word: 'Failed golden set', reason: variant.golden.worst };
  const failed = variant.gates.find((gate) => !gate.pass);
  // fp32 is what the others are compared with: that it is no smaller than itself is no news.
  if (variant.name === 'fp32') return { tone: 'neutral', word: 'Base of comparison', reason: failed && `It fails ${failed.gate}.` };
  if (failed) return { tone: 'bad', word: `Failed gate ${failed.gate}`, reason: `Found ${failed.value}, the limit is ${failed.limit}.` };
  if (variant.dominatedBy !== undefined) return { tone: 'neutral', word: `Dominated by ${variant.dominatedBy}` };
  if (variant.pareto) return { tone: 'good', word: 'On the Pareto front' };
  return { tone: 'good', word: 'Passed' };
}

const STAGE_WORDS: Record<'making' | 'loading' | 'golden' | 'scoring' | 'benchmarking', string> = {
  making: 'Being made',
  loading: 'Loading',
  golden: 'Running the golden set',
  scoring: 'Scoring the test set',
  benchmarking: 'Benchmarking',
};

export function deviceMeaning(device: Device, lastSeen: string | undefined): Meaning {
  if (device.state === 'does not trust us') return { tone: 'bad', word: 'Does not trust us', reason: device.problem };
  if (device.state === 'not seen')
    return { tone: 'notice', word: lastSeen === undefined ? 'Never seen' : `Not seen since ${lastSeen}`, reason: device.problem };
  return { tone: 'good', word: 'Reachable', reason: device.problem };
}

const SLOT: Record<DeviceBundle['state'], Meaning> = {
  receiving: { tone: 'running', word: 'Receiving' },
  verifying: { tone: 'running', word: 'Verifying' },
  testing: { tone: 'running', word: 'Running its golden set' },
  activating: { tone: 'running', word: 'Activating' },
  'on trial': { tone: 'running', word: 'On trial' },
  active: { tone: 'good', word: 'Active' },
  previous: { tone: 'neutral', word: 'Kept for rollback' },
  refused: { tone: 'bad', word: 'Refused' },
  'rolled back': { tone: 'bad', word: 'Rolled back' },
};

export function slotMeaning(bundle: DeviceBundle): Meaning {
  return { ...SLOT[bundle.state], reason: bundle.reason };
}

const DEPLOYMENT: Record<Deployment['state'], Meaning> = {
  waiting: { tone: 'running', word: 'Waiting' },
  sending: { tone: 'running', word: 'Sending' },
  verifying: { tone: 'running', word: 'Verifying' },
  testing: { tone: 'running', word: 'Running its golden set' },
  activating: { tone: 'running', word: 'Activating' },
  'on trial': { tone: 'running', word: 'On trial' },
  active: { tone: 'good', word: 'Active' },
  refused: { tone: 'bad', word: 'Refused' },
  'rolled back': { tone: 'bad', word: 'Rolled back' },
  failed: { tone: 'bad', word: 'Failed' },
  cancelled: { tone: 'neutral', word: 'Cancelled' },
  superseded: { tone: 'neutral', word: 'Superseded' },
};

export function deploymentMeaning(deployment: Deployment): Meaning {
  return { ...DEPLOYMENT[deployment.state], reason: deployment.error?.message };
}

export function deploymentRunning(deployment: Deployment): boolean {
  return DEPLOYMENT[deployment.state].tone === 'running';
}

const JOB: Record<Job['state'], Meaning> = {
  running: { tone: 'running', word: 'Running' },
  done: { tone: 'good', word: 'Done' },
  failed: { tone: 'bad', word: 'Failed' },
  cancelled: { tone: 'neutral', word: 'Cancelled' },
};

export function jobMeaning(job: Job): Meaning {
  return { ...JOB[job.state], reason: job.error?.message };
}

export const REACH: readonly Reach[] = ['absent', 'present', 'driver ok', 'runtime ok', 'verified'];

export function reachMeaning(state: Reach): Meaning {
  if (state === 'verified') return { tone: 'good', word: 'Verified' };
  if (state === 'absent') return { tone: 'neutral', word: 'Absent' };
  return { tone: 'notice', word: state === 'driver ok' ? 'Driver ok' : state === 'runtime ok' ? 'Runtime ok' : 'Present' };
}
