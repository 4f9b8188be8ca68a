/** What the device tells of itself: one deployment, or everything. */
import type { DeviceBundle } from '#contract';
import type { DeploymentStatus } from '#core/protocol';
import type { Clock } from '#core/platform';
import { type DeploymentRecord, type Deployments, refOf } from '../state/deployments.ts';
import type { Watches } from './watches.ts';

/** What it is doing in each state, in words. */
const STEPS: Partial<Record<DeploymentRecord['state'], string>> = {
  receiving: 'receiving what is missing',
  verifying: 'checking digests and the signature',
  testing: 'running the golden set on the device',
  activating: 'loading the model beside the one that serves',
  'on trial': 'serving, and watching requests, errors and latency',
};

export function statusOf(record: DeploymentRecord, deployments: Deployments, watches: Watches, missing: string[], clock: Clock): DeploymentStatus {
  const slot = deployments.slot(record.model);
  const serving = slot.serving === undefined ? undefined : deployments.get(slot.serving);
  const step = STEPS[record.state];
  return {
    id: record.id,
    name: record.model,
    version: record.version,
    variant: record.variant,
    digest: record.digest,
    state: record.state,
    ...(step !== undefined && { step }),
    ...(record.error && { error: record.error }),
    ...(serving && { serving: refOf(serving), servingDigest: serving.digest }),
    missing,
    ...trialOf(record, watches, clock),
    updatedAt: record.updatedAt,
  };
}

/** Everything that is on its way, serves, may serve again, or ended badly since it last went well. */
export function bundlesOf(deployments: Deployments, watches: Watches, clock: Clock): DeviceBundle[] {
  return deployments.models().flatMap((model) => {
    const slot = deployments.slot(model);
    const all = deployments.ofModel(model);
    const servingSeq = all.find((d) => d.id === slot.serving)?.seq ?? 0;
    return all.flatMap((record) => {
      const state = shownState(record, slot.previous, servingSeq);
      if (state === undefined) return [];
      return [
        {
          name: record.model,
          version: record.version,
          variant: record.variant,
          digest: record.digest,
          state,
          since: record.updatedAt,
          ...(record.error && { reason: record.error.message }),
          ...(record.by && { deployedBy: record.by.name, deployedByKey: record.by.key }),
          ...trialOf(record, watches, clock),
        },
      ];
    });
  });
}

function shownState(record: DeploymentRecord, previous: string | undefined, servingSeq: number): DeviceBundle['state'] | undefined {
  if (record.id === previous) return 'previous';
  if (record.state === 'cancelled' || record.state === 'superseded') return undefined;
  // What was refused or rolled back before the one that serves came is history.
  if ((record.state === 'refused' || record.state === 'rolled back') && record.seq < servingSeq) return undefined;
  return record.state;
}

function trialOf(record: DeploymentRecord, watches: Watches, clock: Clock): { commitsAt?: number; requestsLeft?: number } {
  const watch = record.state === 'on trial' ? watches.of(record.model, record.id) : undefined;
  if (!watch) return {};
  const { ms, requests } = watch.progress;
  return {
    commitsAt: Math.round(clock.now() + Math.max(0, watch.watch.seconds * 1000 - ms)),
    requestsLeft: Math.max(0, watch.watch.requests - requests),
  };
}
