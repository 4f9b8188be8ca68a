import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { DeviceBundle, DeviceDetail, DeviceEvent } from '#contract';
import { duration, plural } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { slotMeaning, type Tone } from '../../lib/states.ts';
import { useNow } from '../../lib/use-now.ts';
import { Digest } from '../../parts/copy.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning, ToneIcon } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import styles from './devices.module.css';

/** While on trial: what is still to come before it is committed. */
function UntilCommitted({ bundle }: { bundle: DeviceBundle }) {
  const now = useNow();
  if (bundle.state !== 'on trial') return <span className="dim">–</span>;
  const parts = [
    bundle.commitsAt !== undefined && bundle.commitsAt > now ? duration(bundle.commitsAt - now) : undefined,
    bundle.requestsLeft !== undefined && bundle.requestsLeft > 0 ? plural(bundle.requestsLeft, 'request') : undefined,
  ].filter((part) => part !== undefined);
  return <span>{parts.length > 0 ? parts.join(' and ') : 'any moment'}</span>;
}

const bundleColumns: GridColumn<DeviceBundle>[] = [
  {
    id: 'ref',
    header: 'Bundle',
    rowHeader: true,
    value: refOf,
    cell: (row) => (
      <Link to="/bundles/$ref" params={{ ref: refOf(row) }}>
        {refOf(row)}
      </Link>
    ),
  },
  { id: 'variant', header: 'Variant', value: (row) => row.variant },
  { id: 'state', header: 'State', value: (row) => slotMeaning(row).word, cell: (row) => <Meaning {...slotMeaning(row)} /> },
  { id: 'left', header: 'Until committed', value: (row) => row.requestsLeft, cell: (row) => <UntilCommitted bundle={row} /> },
  { id: 'reason', header: 'Why', value: (row) => row.reason, grow: true },
  { id: 'digest', header: 'Digest', value: (row) => row.digest, cell: (row) => <Digest digest={row.digest} of={refOf(row)} /> },
  { id: 'since', header: 'Since', align: 'right', value: (row) => row.since, cell: (row) => <Moment at={row.since} /> },
];

export function BundlesTable({ device }: { device: DeviceDetail }) {
  return (
    <DataGrid
      label={`Bundles on ${device.name}`}
      noun="bundle"
      rows={device.bundles}
      columns={bundleColumns}
      rowId={(row) => `${row.digest} ${row.state} ${row.since}`}
      empty={<p className="dim">Nothing is on the device yet. Deploy a bundle to it.</p>}
      plain
    />
  );
}

type ServingRow = DeviceDetail['serving'][number];

const servingColumns: GridColumn<ServingRow>[] = [
  { id: 'model', header: 'Model', value: (row) => row.model, rowHeader: true },
  { id: 'requests', header: 'Requests', align: 'right', exact: true, value: (row) => row.requests },
  { id: 'failures', header: 'Failures', align: 'right', exact: true, value: (row) => row.failures },
  { id: 'p50', header: 'p50', unit: 'ms', align: 'right', value: (row) => row.p50Ms },
  { id: 'p95', header: 'p95', unit: 'ms', align: 'right', value: (row) => row.p95Ms },
  { id: 'provider', header: 'Provider', value: (row) => row.provider },
];

export function ServingTable({ device }: { device: DeviceDetail }) {
  return (
    <DataGrid
      label={`Requests served by ${device.name}`}
      noun="model"
      rows={device.serving}
      columns={servingColumns}
      rowId={(row) => row.model}
      empty={<p className="dim">It has served no request yet.</p>}
      plain
    />
  );
}

/** How an event reads at a glance; kinds that are not named here are plain steps on the way. */
const EVENT_TONES: Record<string, Tone> = {
  refused: 'bad',
  'rolled-back': 'bad',
  'bit-rot': 'bad',
  'runner-ended': 'bad',
  'not-serving': 'bad',
  switched: 'running',
  committed: 'good',
  enrolled: 'good',
};

function eventTone(kind: string): Tone {
  return EVENT_TONES[kind] ?? 'neutral';
}

function eventColumns(): GridColumn<DeviceEvent>[] {
  return [
    { id: 'at', header: 'When', value: (row) => row.seq, cell: (row) => <Moment at={row.at} /> },
    {
      id: 'kind',
      header: 'Event',
      facet: true,
      rowHeader: true,
      value: (row) => row.kind,
      cell: (row) => (
        <span className={styles.name}>
          <ToneIcon tone={eventTone(row.kind)} />
          {row.kind.replace('-', ' ')}
        </span>
      ),
    },
    { id: 'model', header: 'Model', facet: true, value: (row) => row.model },
    { id: 'message', header: 'What happened', value: (row) => row.message, grow: true },
    { id: 'seq', header: 'Number', align: 'right', exact: true, value: (row) => row.seq, hidden: true },
  ];
}

export function EventsTable({ device }: { device: DeviceDetail }) {
  const columns = useMemo(eventColumns, []);
  return (
    <DataGrid
      label={`History of ${device.name}`}
      noun="event"
      rows={device.events}
      columns={columns}
      rowId={(row) => String(row.seq)}
      initialSort={{ id: 'at', desc: true }}
      empty={<p className="dim">The device has reported nothing yet.</p>}
    />
  );
}
