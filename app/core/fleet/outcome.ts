/** How a deployment ended, as the error a person or a script gets. */
import type { ErrorBody } from '#contract';
import type { EndState } from './plan.ts';
import type { DeploymentStatus } from '#core/protocol';

/**
 * The error of a deployment that the device ended. `refused` and `rolled back` are gates that the bundle did not pass on
 * the device; trouble of the device itself (disk, memory, a fault in the agent) is the device's.
 * @param options.ref name@version#variant
 * @param options.served whether it ever served requests
 */
export function endError(options: {
  device: string;
  ref: string;
  state: EndState;
  served: boolean;
  view?: Pick<DeploymentStatus, 'error' | 'serving'> | undefined;
}): ErrorBody | undefined {
  const { device, ref, state, view } = options;
  const told = view?.error;
  switch (state) {
    case 'active':
      return undefined;
    case 'superseded':
      // Replaced after it served is the way of all bundles; replaced before is not what was asked for.
      if (options.served) return undefined;
      return { code: 'deployment.superseded', message: `A newer deployment to ${device} took the place of ${ref} before it served.`, owner: 'device' };
    case 'cancelled':
      return { code: 'deployment.cancelled', message: `The deployment of ${ref} to ${device} was cancelled.`, owner: 'cancelled' };
    case 'refused':
      if (told) return { ...told, message: `${device} refused ${ref}: ${told.message}`, owner: ownerHere(told) };
      return { code: 'deployment.refused', message: `${device} refused ${ref} and gave no reason.`, owner: 'device' };
    case 'rolled back': {
      const kept = view?.serving ? ` It serves ${view.serving}.` : ' It serves nothing in its place.';
      const reason = told?.message ?? 'somebody put the one before back';
      return {
        ...told,
        code: told?.code ?? 'deployment.rolled-back',
        message: `${device} rolled ${ref} back: ${reason.replace(/\.$/, '')}.${kept}`,
        owner: told?.owner === 'cancelled' ? 'cancelled' : 'gate',
      };
    }
    case 'failed':
      return {
        code: 'deployment.lost',
        message: `${device} knows nothing of this deployment any more.`,
        hint: 'It was probably reset or restored from a backup. Look at what it serves, then deploy again.',
        owner: 'device',
      };
  }
}

/** The device speaks of itself: its `machine` is not ours, and an input that it can't run did not pass its gate. */
function ownerHere(told: ErrorBody): ErrorBody['owner'] {
  if (told.owner === 'gate' || told.owner === 'trust' || told.owner === 'cancelled') return told.owner;
  return told.owner === 'input' ? 'gate' : 'device';
}
