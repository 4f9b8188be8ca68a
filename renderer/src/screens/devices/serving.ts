import type { DeviceBundle } from '#contract';

/** What answers requests now: committed, or still on trial. */
export function isServing(bundle: DeviceBundle): boolean {
  return bundle.state === 'active' || bundle.state === 'on trial';
}
