import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { BundleDetail, Device, DeviceBundle, TrialSummary, Variant } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { byteUnit, change } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { bundlePart, refOf, variantRef } from '../../lib/refs.ts';
import { slotMeaning, trialMeaning } from '../../lib/states.ts';
import { Digest } from '../../parts/copy.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';

/** A variant that only strangers signed is not one that nobody signed. */
function signatureWord({ name, signed }: Variant, { signatures }: BundleDetail): string {
  if (signed) return 'Signed';
  return signatures.some((one) => one.variant === name) ? 'Does not count' : 'Unsigned';
}

export function VariantsTable({ bundle }: { bundle: BundleDetail }) {
  const columns = useMemo(() => {
    const size = byteUnit(bundle.variants.map((variant) => variant.bytes));
    const base = bundle.variants.find((variant) => variant.name === 'fp32')?.bytes;
    const list: GridColumn<Variant>[] = [
      {
        id: 'name',
        header: 'Variant',
        value: (row) => plainName(row.name),
        rowHeader: true,
        cell: (row) => (
          <Link to="/bundles/model" search={{ ref: variantRef(refOf(bundle), row.name) }} title={`Look into ${plainName(row.name)}`}>
            {plainName(row.name)}
          </Link>
        ),
      },
      { id: 'precision', header: 'Precision', value: (row) => plainName(row.precision) },
      { id: 'quantization', header: 'Quantization', value: (row) => row.quantization && plainName(row.quantization), grow: true },
      { id: 'size', header: 'Size', unit: size.unit, align: 'right', value: (row) => row.bytes / size.factor },
      { id: 'change', header: 'vs fp32', align: 'right', value: (row) => (base === undefined || row.name === 'fp32' ? undefined : change(row.bytes, base)) },
      {
        id: 'signed',
        header: 'Signature',
        value: (row) => signatureWord(row, bundle),
        cell: (row) => <Meaning tone={row.signed ? 'good' : 'notice'} word={signatureWord(row, bundle)} />,
      },
      { id: 'digest', header: 'Digest', value: (row) => row.digest, cell: (row) => <Digest digest={row.digest} of={plainName(row.name)} /> },
      { id: 'created', header: 'Made', align: 'right', value: (row) => row.createdAt, cell: (row) => <Moment at={row.createdAt} /> },
    ];
    return list;
  }, [bundle]);
  return (
    <DataGrid
      label="Variants"
      noun="variant"
      rows={bundle.variants}
      columns={columns}
      rowId={(row) => row.name}
      empty={<p className="dim">No variant: the bundle is incomplete.</p>}
      plain
    />
  );
}

const trialColumns: GridColumn<TrialSummary>[] = [
  {
    id: 'id',
    header: 'Trial',
    value: (row) => row.id,
    rowHeader: true,
    cell: (row) => (
      <Link to="/trials/$id" params={{ id: row.id }}>
        {row.id}
      </Link>
    ),
  },
  { id: 'state', header: 'State', value: (row) => trialMeaning(row).word, cell: (row) => <Meaning {...trialMeaning(row)} /> },
  { id: 'chosen', header: 'Chosen', value: (row) => row.verdict?.chosen },
  { id: 'reason', header: 'Verdict', value: (row) => row.verdict?.reason, grow: true },
  { id: 'started', header: 'Started', align: 'right', value: (row) => row.startedAt, cell: (row) => <Moment at={row.startedAt} /> },
];

export function TrialsTable({ bundleRef }: { bundleRef: string }) {
  const navigate = useNavigate();
  const query = useQuery(orpc.trials.list.queryOptions());
  return (
    <QueryView query={query} what="Reading the trials">
      {(trials) => (
        <DataGrid
          label="Trials of this bundle"
          noun="trial"
          rows={trials.filter((trial) => bundlePart(trial.ref) === bundleRef)}
          columns={trialColumns}
          rowId={(row) => row.id}
          initialSort={{ id: 'started', desc: true }}
          onOpen={(row) => void navigate({ to: '/trials/$id', params: { id: row.id } })}
          empty={<p className="dim">No trial yet. One compares variants of this bundle and says which is the smallest that passes.</p>}
          plain
        />
      )}
    </QueryView>
  );
}

interface Placement extends DeviceBundle {
  device: string;
}

const placementColumns: GridColumn<Placement>[] = [
  {
    id: 'device',
    header: 'Device',
    value: (row) => row.device,
    rowHeader: true,
    cell: (row) => (
      <Link to="/devices/$name" params={{ name: row.device }}>
        {row.device}
      </Link>
    ),
  },
  { id: 'variant', header: 'Variant', value: (row) => row.variant },
  { id: 'state', header: 'State', value: (row) => slotMeaning(row).word, cell: (row) => <Meaning {...slotMeaning(row)} /> },
  { id: 'reason', header: 'Why', value: (row) => row.reason, grow: true },
  { id: 'since', header: 'Since', align: 'right', value: (row) => row.since, cell: (row) => <Moment at={row.since} /> },
];

function placements(devices: readonly Device[], bundle: BundleDetail): Placement[] {
  return devices.flatMap((device) =>
    device.bundles.filter((each) => each.name === bundle.name && each.version === bundle.version).map((each) => ({ ...each, device: device.name })),
  );
}

export function RunningTable({ bundle }: { bundle: BundleDetail }) {
  const query = useQuery(orpc.devices.list.queryOptions());
  return (
    <QueryView query={query} what="Reading the devices">
      {(devices) => (
        <DataGrid
          label="Devices that have this bundle"
          noun="device"
          rows={placements(devices, bundle)}
          columns={placementColumns}
          rowId={(row) => `${row.device} ${row.variant} ${row.state}`}
          empty={<p className="dim">No device has it. Deploy it from a trial's verdict or from Deployments.</p>}
          plain
        />
      )}
    </QueryView>
  );
}

type File = BundleDetail['files'][number];

export function FilesTable({ bundle }: { bundle: BundleDetail }) {
  const columns = useMemo(() => {
    const size = byteUnit(bundle.files.map((file) => file.bytes));
    const list: GridColumn<File>[] = [
      { id: 'path', header: 'File', value: (row) => row.path, rowHeader: true, cell: (row) => <code>{plainName(row.path)}</code> },
      { id: 'role', header: 'For', value: (row) => row.role, facet: true },
      { id: 'size', header: 'Size', unit: size.unit, align: 'right', value: (row) => row.bytes / size.factor },
      { id: 'digest', header: 'Digest', value: (row) => row.digest, cell: (row) => <Digest digest={row.digest} of={plainName(row.path)} /> },
    ];
    return list;
  }, [bundle]);
  return (
    <DataGrid
      label="Files"
      noun="file"
      rows={bundle.files}
      columns={columns}
      rowId={(row) => `${row.role} ${row.path}`}
      empty={<p className="dim">No file: the bundle is incomplete.</p>}
    />
  );
}
