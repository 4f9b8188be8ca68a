/**
 * What to do next for one deployment, as data: computed from what we know, carried out one step at a time, and made again
 * after each step. A restart only loses what the device last said, and asking it is the first step then.
 */
import type { DeploymentState } from './deployment-store.ts';
import type { AgentDeploymentState, DeploymentStatus, Descriptor } from '#core/protocol';

/** What the device last said of it; `gone`: it does not know the deployment (any more). */
export type DeviceView = Pick<DeploymentStatus, 'state' | 'missing'> | 'gone';

export interface Facts {
  state: DeploymentState;
  /** Every blob of the order. */
  blobs: readonly Descriptor[];
  /** Digests that are OCI manifests: they go last and over their own path, the variant's own manifest at the very end. */
  manifests: readonly string[];
  /** Absent: not asked yet. */
  view?: DeviceView;
  cancelAsked: boolean;
  /** The device was told to cancel. */
  cancelTold: boolean;
}

export type Step =
  /** Asks the device what it knows of it. */
  | { do: 'ask' }
  /** Tells the device what it is to get; it answers with what it lacks. */
  | { do: 'offer' }
  | { do: 'send'; digest: string; size: number }
  | { do: 'send manifest'; digest: string; size: number }
  /** Waits until the device has left this state. */
  | { do: 'follow'; state: AgentDeploymentState }
  | { do: 'tell cancel' }
  /** Nothing is left to do: this is how it ended. */
  | { do: 'end'; state: EndState };

export type EndState = 'active' | 'refused' | 'rolled back' | 'cancelled' | 'superseded' | 'failed';

const ENDS: readonly string[] = ['active', 'refused', 'rolled back', 'cancelled', 'superseded', 'failed'] satisfies EndState[];

export function isEnd(state: string): state is EndState {
  return ENDS.includes(state);
}

/** All steps from here to where the device decides, in order; empty when it has ended. */
export function planDeployment(facts: Facts): Step[] {
  const { state, view, cancelAsked } = facts;
  if (isEnd(state)) return [];
  const neverSent = state === 'waiting';
  if (view === undefined) {
    if (cancelAsked) return neverSent ? [{ do: 'end', state: 'cancelled' }] : [{ do: 'ask' }];
    // An offer made twice is answered alike, so while it is being sent it also is the question.
    return neverSent || state === 'sending' ? [{ do: 'offer' }] : [{ do: 'ask' }];
  }
  if (view === 'gone') {
    if (cancelAsked) return [{ do: 'end', state: 'cancelled' }];
    return neverSent || state === 'sending' ? [{ do: 'offer' }] : [{ do: 'end', state: 'failed' }];
  }
  if (isEnd(view.state)) return [{ do: 'end', state: view.state }];
  if (cancelAsked && !facts.cancelTold) return [{ do: 'tell cancel' }];
  if (view.state !== 'receiving' || cancelAsked) return [{ do: 'follow', state: view.state }];
  return [...sendSteps(facts, new Set(view.missing)), { do: 'follow', state: 'receiving' }];
}

function sendSteps({ blobs, manifests }: Facts, missing: ReadonlySet<string>): Step[] {
  const wanted = blobs.filter((b) => missing.has(b.digest));
  const isManifest = (b: Descriptor) => manifests.includes(b.digest);
  const order = (b: Descriptor) => manifests.indexOf(b.digest);
  return [
    ...wanted.filter((b) => !isManifest(b)).map(({ digest, size }): Step => ({ do: 'send', digest, size })),
    ...wanted
      .filter(isManifest)
      .sort((a, b) => order(a) - order(b))
      .map(({ digest, size }): Step => ({ do: 'send manifest', digest, size })),
  ];
}
