import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { DeviceDetail } from '#contract';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { bytes } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { deviceRoute } from '../../routes.ts';
import { BundlesTable, EventsTable, ServingTable } from './device-tables.tsx';
import { DeviceState } from './devices-screen.tsx';
import styles from './devices.module.css';
import { RemoveDevice } from './remove-device.tsx';
import { RollBack } from './roll-back.tsx';
import { isServing } from './serving.ts';

export function DevicePage(): ReactNode {
  const { name } = deviceRoute.useParams();
  const navigate = useNavigate();
  const query = useQuery(orpc.devices.show.queryOptions({ input: { name } }));
  const [removing, setRemoving] = useState(false);
  const device = query.data;
  return (
    <Page
      title={name}
      crumbs={[
        <Link key="devices" to="/devices">
          Devices
        </Link>,
      ]}
      padded
      status={device ? sentence(device) : 'Asking the device…'}
      action={
        device && (
          <>
            <Button kind="quiet" onClick={() => setRemoving(true)}>
              Remove…
            </Button>
            <RollBack device={device} />
            <Button kind="primary" onClick={() => void navigate({ to: '/deployments/new', search: { device: device.name } })}>
              Deploy to {device.name}
            </Button>
          </>
        )
      }
    >
      <QueryView query={query} what="Asking the device">
        {(data) => (
          <>
            <Section title="What runs">
              <BundlesTable device={data} />
            </Section>
            <div className={styles.halves}>
              <Section title="Serving">
                <ServingTable device={data} />
                <p className="dim">Applications on the device ask it at</p>
                <Copyable text={inferenceAddress(data)} label="Copy the inference address" />
              </Section>
              <Section title="The machine">
                <Facts
                  items={[
                    { name: 'State', value: <DeviceState device={data} inline /> },
                    { name: 'Last seen', value: data.lastSeenAt === undefined ? 'never' : <Moment at={data.lastSeenAt} /> },
                    { name: 'Enrolled', value: <Moment at={data.enrolledAt} /> },
                    ...(data.hardware ? [{ name: 'Hardware', value: data.hardware.summary }] : []),
                    ...(data.diskFreeBytes === undefined ? [] : [{ name: 'Disk free', value: bytes(data.diskFreeBytes) }]),
                    { name: 'Agent', value: data.agentVersion ?? 'not known' },
                    { name: 'Management', value: <code>{data.management}</code> },
                    { name: 'Id', value: <code>{data.id}</code> },
                  ]}
                />
              </Section>
            </div>
            <Section title="History">
              <EventsTable device={data} />
            </Section>
            <RemoveDevice device={data} opened={removing} onClose={() => setRemoving(false)} />
          </>
        )}
      </QueryView>
    </Page>
  );
}

function inferenceAddress(device: DeviceDetail): string {
  const model = device.bundles.find(isServing)?.name;
  return model === undefined ? `${device.inference}/v2` : `${device.inference}/v2/models/${model}/infer`;
}

/** If what runs is not what was last sent, that is the headline. */
function sentence(device: DeviceDetail): string {
  const serving = device.bundles.filter(isServing);
  const runs =
    serving.length === 0
      ? `${device.name} serves nothing yet.`
      : `${device.name} serves ${serving.map((bundle) => `${refOf(bundle)} ${bundle.variant}${bundle.state === 'on trial' ? ' (on trial)' : ''}`).join(', ')}.`;
  if (device.state !== 'reachable') return `${device.problem ?? 'It does not answer.'} When last seen: ${runs}`;
  const bad = device.bundles.filter((bundle) => bundle.state === 'refused' || bundle.state === 'rolled back').toSorted((a, b) => b.since - a.since)[0];
  if (!bad || serving.some((bundle) => bundle.name === bad.name && bundle.since > bad.since && bundle.version === bad.version)) return runs;
  return `${runs} ${refOf(bad)} ${bad.variant} was ${bad.state}${bad.reason === undefined ? '.' : `: ${bad.reason}`}`;
}
