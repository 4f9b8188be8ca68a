import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import type { Device } from '#contract';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { byteUnit, plural, relative } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { deviceMeaning, slotMeaning } from '../../lib/states.ts';
import { useNow } from '../../lib/use-now.ts';
import { Button } from '../../parts/button.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning, ToneIcon } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { AddDeviceSheet } from './add-device-sheet.tsx';
import styles from './devices.module.css';
import { isServing } from './serving.ts';

/** State with the time since when a device is out of reach, moving on. */
export function DeviceState({ device, inline = false }: { device: Device; inline?: boolean }) {
  const now = useNow();
  return <Meaning {...deviceMeaning(device, device.lastSeenAt === undefined ? undefined : relative(device.lastSeenAt, now))} inline={inline} />;
}

function columnsFor(devices: readonly Device[]): GridColumn<Device>[] {
  const disk = byteUnit(devices.map((device) => device.diskFreeBytes));
  return [
    {
      id: 'name',
      header: 'Name',
      rowHeader: true,
      value: (row) => row.name,
      cell: (row) => (
        <span className={styles.name}>
          <Link to="/devices/$name" params={{ name: row.name }}>
            {row.name}
          </Link>
          {row.practice && <span className={styles.tag}>practice</span>}
        </span>
      ),
    },
    { id: 'state', header: 'State', facet: true, value: (row) => row.state, cell: (row) => <DeviceState device={row} /> },
    {
      id: 'serves',
      header: 'Serves',
      grow: true,
      value: (row) =>
        row.bundles
          .filter(isServing)
          .map((bundle) => `${refOf(bundle)} ${bundle.variant}`)
          .join(', ') || undefined,
    },
    { id: 'trouble', header: 'In trouble', value: (row) => troubles(row).join(', ') || undefined, cell: (row) => <Troubles device={row} /> },
    { id: 'requests', header: 'Requests', align: 'right', exact: true, value: (row) => row.serving.reduce((sum, each) => sum + each.requests, 0) },
    { id: 'failures', header: 'Failures', align: 'right', exact: true, value: (row) => row.serving.reduce((sum, each) => sum + each.failures, 0) },
    { id: 'p95', header: 'p95', unit: 'ms', align: 'right', value: (row) => worst(row.serving.map((each) => each.p95Ms)) },
    {
      id: 'disk',
      header: 'Disk free',
      unit: disk.unit,
      align: 'right',
      value: (row) => (row.diskFreeBytes === undefined ? undefined : row.diskFreeBytes / disk.factor),
      hidden: true,
    },
    { id: 'agent', header: 'Agent', value: (row) => row.agentVersion, hidden: true },
    { id: 'address', header: 'Management', value: (row) => row.management, cell: (row) => <code>{row.management}</code>, hidden: true },
    { id: 'enrolled', header: 'Enrolled', align: 'right', value: (row) => row.enrolledAt, cell: (row) => <Moment at={row.enrolledAt} /> },
  ];
}

function worst(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function troubles(device: Device): string[] {
  return device.bundles
    .filter((bundle) => bundle.state === 'refused' || bundle.state === 'rolled back')
    .map((bundle) => `${refOf(bundle)} ${slotMeaning(bundle).word.toLowerCase()}`);
}

function Troubles({ device }: { device: Device }) {
  const list = troubles(device);
  if (list.length === 0) return <span className="dim">–</span>;
  return (
    <span className={styles.name}>
      <ToneIcon tone="bad" />
      {list.join(', ')}
    </span>
  );
}

export function DevicesScreen(): ReactNode {
  const query = useQuery(orpc.devices.list.queryOptions());
  const navigate = useNavigate();
  const [adding, setAdding] = useState(false);
  const devices = query.data;
  const columns = useMemo(() => columnsFor(devices ?? []), [devices]);
  const add = (
    <Button kind="primary" onClick={() => setAdding(true)}>
      Add a device
    </Button>
  );
  return (
    <Page title="Devices" fixed status={sentence(devices)} action={add}>
      <QueryView query={query} what="Asking the devices">
        {(data) => (
          <DataGrid
            label="Devices"
            noun="device"
            fill
            rows={data}
            columns={columns}
            rowId={(row) => row.id}
            initialSort={{ id: 'name', desc: false }}
            onOpen={(row) => void navigate({ to: '/devices/$name', params: { name: row.name } })}
            empty={
              <Empty title="No device yet" action={add}>
                <p>A device is a machine that runs edgewright-agent. Pair it once with the code its agent shows; then bundles can be deployed to it.</p>
              </Empty>
            }
          />
        )}
      </QueryView>
      <AddDeviceSheet opened={adding} onClose={() => setAdding(false)} />
    </Page>
  );
}

/** Names before the rest is only counted. */
const NAMED = 3;

function names(devices: readonly Device[]): string {
  const rest = devices.length - NAMED;
  const first = devices.slice(0, NAMED).map((device) => device.name);
  return rest > 0 ? `${first.join(', ')} and ${rest} more` : first.join(', ');
}

function sentence(devices: readonly Device[] | undefined): string {
  if (!devices) return 'Machines that run bundles.';
  if (devices.length === 0) return 'No machine is enrolled yet.';
  const out = devices.filter((device) => device.state !== 'reachable');
  const updating = devices.filter((device) => device.bundles.some((bundle) => slotMeaning(bundle).tone === 'running'));
  const parts = [
    out.length === 0
      ? `${devices.length === 1 ? 'The device is' : `All ${devices.length} devices are`} reachable`
      : `${out.length} of ${plural(devices.length, 'device')} not reachable: ${names(out)}`,
    updating.length > 0 ? `${names(updating)} ${updating.length === 1 ? 'is' : 'are'} being updated or on trial` : undefined,
  ];
  return `${parts.filter(Boolean).join('; ')}.`;
}
