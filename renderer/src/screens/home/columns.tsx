/** The way of a model as five columns: what is in each, what needs a person first, then the newest. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { orpc } from '../../lib/engine.ts';
import { plural, relative } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { bundleMeaning, deploymentMeaning, deviceMeaning, reachMeaning, type Tone, trialMeaning } from '../../lib/states.ts';
import { useNow } from '../../lib/use-now.ts';
import { Meaning } from '../../parts/meaning.tsx';
import { Column, Item } from './column.tsx';

/** Items shown in a column; the rest is one click away. */
const SHOWN = 6;

/** What needs a person first, then what runs, then by time. */
function urgent<Thing>(things: readonly Thing[], tone: (thing: Thing) => Tone, at: (thing: Thing) => number): Thing[] {
  const rank: Record<Tone, number> = { bad: 0, notice: 1, running: 2, good: 3, neutral: 3 };
  return things.toSorted((a, b) => rank[tone(a)] - rank[tone(b)] || at(b) - at(a)).slice(0, SHOWN);
}

export function ComputerColumn() {
  const query = useQuery(orpc.hardware.report.queryOptions({ input: { fresh: false } }));
  return (
    <Column title="Computer" to="/computer" query={query} what="Detecting the hardware" summary={(report) => report.summary}>
      {(report) =>
        report.devices.map((device) => (
          <Item key={`${device.kind} ${device.name} ${device.id ?? ''}`} name={device.name} link={<Link to="/computer">{device.name}</Link>}>
            <Meaning {...reachMeaning(device.state)} />
            {device.stoppedBy !== undefined && <span>{device.stoppedBy}</span>}
          </Item>
        ))
      }
    </Column>
  );
}

export function BundlesColumn() {
  const query = useQuery(orpc.bundles.list.queryOptions());
  return (
    <Column
      title="Bundles"
      to="/bundles"
      query={query}
      what="Reading the bundles"
      summary={(bundles) => (bundles.length === 0 ? 'No bundle yet. Add the sample, or build one from a folder.' : plural(bundles.length, 'bundle'))}
    >
      {(bundles) =>
        urgent(
          bundles,
          (bundle) => bundleMeaning(bundle).tone,
          (bundle) => bundle.createdAt,
        ).map((bundle) => (
          <Item
            key={bundle.digest}
            name={refOf(bundle)}
            link={
              <Link to="/bundles/$ref" params={{ ref: refOf(bundle) }}>
                {refOf(bundle)}
              </Link>
            }
          >
            <Meaning {...bundleMeaning(bundle)} />
            <span>{bundle.variants.map((variant) => variant.name).join(', ')}</span>
          </Item>
        ))
      }
    </Column>
  );
}

export function TrialsColumn() {
  const query = useQuery(orpc.trials.list.queryOptions());
  return (
    <Column
      title="Trials"
      to="/trials"
      query={query}
      what="Reading the trials"
      summary={(trials) => (trials.length === 0 ? 'No trial yet. One finds the smallest variant that still passes its gates.' : plural(trials.length, 'trial'))}
    >
      {(trials) =>
        urgent(
          trials,
          (trial) => (trial.state === 'running' ? 'running' : 'neutral'),
          (trial) => trial.startedAt,
        ).map((trial) => (
          <Item
            key={trial.id}
            name={trial.ref}
            at={trial.startedAt}
            link={
              <Link to="/trials/$id" params={{ id: trial.id }}>
                {trial.ref}
              </Link>
            }
          >
            <Meaning {...trialMeaning(trial)} />
            {trial.verdict?.chosen !== undefined && <span>Chosen: {trial.verdict.chosen}</span>}
          </Item>
        ))
      }
    </Column>
  );
}

export function DevicesColumn() {
  const query = useQuery(orpc.devices.list.queryOptions());
  const now = useNow();
  return (
    <Column
      title="Devices"
      to="/devices"
      query={query}
      what="Reading the devices"
      summary={(devices) =>
        devices.length === 0
          ? 'No device yet. Pair one with the code its agent shows.'
          : `${devices.filter((each) => each.state === 'reachable').length} of ${plural(devices.length, 'device')} reachable`
      }
    >
      {(devices) =>
        urgent(
          devices,
          (device) => deviceMeaning(device, undefined).tone,
          (device) => device.enrolledAt,
        ).map((device) => (
          <Item
            key={device.id}
            name={device.name}
            link={
              <Link to="/devices/$name" params={{ name: device.name }}>
                {device.name}
              </Link>
            }
          >
            <Meaning {...deviceMeaning(device, device.lastSeenAt === undefined ? undefined : relative(device.lastSeenAt, now))} />
            <span>{runs(device.bundles)}</span>
          </Item>
        ))
      }
    </Column>
  );
}

function runs(bundles: readonly { name: string; version: string; variant: string; state: string }[]): string {
  const serving = bundles.filter((bundle) => bundle.state === 'active' || bundle.state === 'on trial');
  return serving.length === 0 ? 'Serves nothing yet' : `Serves ${serving.map((bundle) => `${refOf(bundle)} ${bundle.variant}`).join(', ')}`;
}

export function DeploymentsColumn() {
  const query = useQuery(orpc.deployments.list.queryOptions());
  return (
    <Column
      title="Deployments"
      to="/deployments"
      query={query}
      what="Reading the deployments"
      summary={(deployments) => (deployments.length === 0 ? 'Nothing was deployed yet.' : plural(deployments.length, 'deployment'))}
    >
      {(deployments) =>
        deployments
          .toSorted((a, b) => b.startedAt - a.startedAt)
          .slice(0, SHOWN)
          .map((deployment) => (
            <Item
              key={deployment.id}
              name={`${deployment.ref} ${deployment.variant} to ${deployment.device}`}
              at={deployment.startedAt}
              link={
                <Link to="/deployments/$id" params={{ id: deployment.id }}>
                  {deployment.ref} → {deployment.device}
                </Link>
              }
            >
              <Meaning {...deploymentMeaning(deployment)} />
              {deployment.error && <span>{deployment.error.message}</span>}
            </Item>
          ))
      }
    </Column>
  );
}
