/**
 * Brings ended deployments in line with what a device says it serves: one that was active may since have been replaced, or
 * rolled back by hand, and the one before may be active again. Pure.
 */
import type { DeploymentChange, DeploymentRecord } from './deployment-store.ts';
import { endError } from './outcome.ts';
import type { AgentStatus } from '#core/protocol';

/** @param recordsOf deployments of one model to this device, newest first */
export function servedNow(
  status: Pick<AgentStatus, 'name' | 'bundles'>,
  recordsOf: (model: string) => DeploymentRecord[],
): { id: string; change: DeploymentChange }[] {
  const changes: { id: string; change: DeploymentChange }[] = [];
  const models = new Set(status.bundles.map((b) => b.name));
  for (const model of models) {
    const bundles = status.bundles.filter((b) => b.name === model);
    const active = bundles.find((b) => b.state === 'active');
    const records = recordsOf(model).filter((r) => r.state === 'active' || r.state === 'superseded');
    const current = records.find((r) => r.digest === active?.digest);
    for (const record of records) {
      if (record === current) {
        if (record.state !== 'active') changes.push({ id: record.id, change: { state: 'active', error: null } });
      } else if (record.state === 'active') {
        const back = bundles.find((b) => b.digest === record.digest && b.state === 'rolled back');
        const served = active ? `${active.name}@${active.version}#${active.variant}` : undefined;
        const error =
          back &&
          endError({
            device: record.device,
            ref: record.ref,
            state: 'rolled back',
            served: true,
            view: {
              ...(served !== undefined && { serving: served }),
              ...(back.reason !== undefined && { error: { code: 'deployment.rolled-back', message: back.reason, owner: 'gate' } }),
            },
          });
        changes.push({ id: record.id, change: back ? { state: 'rolled back', error: error ?? null, serving: served ?? null } : { state: 'superseded' } });
      }
    }
  }
  return changes;
}
