/** The one sentence of Home, and the one thing to do next: the way a model takes, one step at a time. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { orpc } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { deploymentRunning } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';

export function useHowThingsAre(): { sentence: string; action: ReactNode } {
  const navigate = useNavigate();
  const reads = [
    useQuery(orpc.bundles.list.queryOptions()),
    useQuery(orpc.trials.list.queryOptions()),
    useQuery(orpc.devices.list.queryOptions()),
    useQuery(orpc.deployments.list.queryOptions()),
  ] as const;
  const [{ data: bundles }, { data: trials }, { data: devices }, { data: deployments }] = reads;
  if (!bundles || !trials || !devices || !deployments) {
    return {
      sentence: reads.some((read) => read.isError) ? 'Part of the workspace could not be read; the reasons are below.' : 'Reading the workspace…',
      action: undefined,
    };
  }

  const troubles = [
    ...bundles.filter((bundle) => bundle.state !== 'sound').map((bundle) => `${refOf(bundle)} is ${bundle.state}`),
    ...devices
      .filter((device) => device.state !== 'reachable')
      .map((device) => `${device.name} is ${device.state === 'not seen' ? 'not reachable' : 'not trusting us'}`),
  ];
  const running = [
    ...trials.filter((trial) => trial.state === 'running').map((trial) => `a trial of ${trial.ref} runs`),
    ...deployments.filter(deploymentRunning).map((deployment) => `${deployment.ref} goes to ${deployment.device}`),
  ];
  const have = `${plural(bundles.length, 'bundle')}, ${plural(trials.length, 'trial')}, ${plural(devices.length, 'device')}`;
  const rest = troubles.length > 0 ? ` Needs a person: ${list(troubles)}.` : running.length > 0 ? ` Now ${list(running)}.` : '';
  const newest = bundles.toSorted((a, b) => b.createdAt - a.createdAt)[0];

  if (!newest) {
    return {
      sentence: 'Nothing is in this workspace yet. Begin with a bundle: a model with its recipe, labels and golden set.',
      action: (
        <Button kind="primary" onClick={() => void navigate({ to: '/bundles' })}>
          Add a bundle
        </Button>
      ),
    };
  }
  if (trials.length === 0) {
    return {
      sentence: `${have}.${rest || ' Next: find the smallest and fastest variant that passes.'}`,
      action: (
        <Button kind="primary" onClick={() => void navigate({ to: '/trials', search: { new: refOf(newest) } })}>
          Set up a trial
        </Button>
      ),
    };
  }
  return {
    sentence: `${have}.${rest || ' Nothing needs a person.'}`,
    action: (
      <Button kind="primary" onClick={() => void navigate({ to: '/deployments/new', search: {} })}>
        Deploy a bundle
      </Button>
    ),
  };
}

/** At most two of them by name, then how many more. */
function list(items: readonly string[]): string {
  return items.length <= 2 ? items.join(' and ') : `${items.slice(0, 2).join(', ')} and ${items.length - 2} more`;
}
