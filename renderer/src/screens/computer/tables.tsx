import type { HardwareReport, ProviderState } from '#contract';
import { milliseconds } from '../../lib/format.ts';
import { REACH, reachMeaning } from '../../lib/states.ts';
import { Copyable } from '../../parts/copy.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning, ToneIcon } from '../../parts/meaning.tsx';
import { Truncate } from '../../parts/truncate.tsx';
import styles from './computer.module.css';

const providerColumns: GridColumn<ProviderState>[] = [
  { id: 'title', header: 'Provider', value: (row) => row.title, rowHeader: true },
  { id: 'name', header: 'Name', value: (row) => row.name, cell: (row) => <code>{row.name}</code> },
  {
    id: 'state',
    header: 'State',
    value: (row) => row.state,
    order: (row) => REACH.indexOf(row.state),
    cell: (row) => <Meaning {...reachMeaning(row.state)} />,
  },
  { id: 'reason', header: 'Why', value: (row) => row.reason ?? proofText(row), grow: true },
  { id: 'remedy', header: 'Remedy', value: (row) => row.remedy?.command ?? row.remedy?.text, cell: remedy },
];

function proofText(provider: ProviderState): string | undefined {
  if (!provider.proof) return undefined;
  const nodes = Object.entries(provider.proof.nodes).map(([name, amount]) => `${amount} on ${name}`);
  return `Ran a test model in ${milliseconds(provider.proof.latencyMs)}; nodes: ${nodes.join(', ')}.`;
}

function remedy(provider: ProviderState) {
  if (!provider.remedy) return <span className="dim">–</span>;
  if (provider.remedy.command !== undefined) return <Copyable text={provider.remedy.command} label={`Copy the command for ${provider.title}`} bare />;
  return (
    <span className={styles.remedy}>
      <Truncate text={provider.remedy.text} />
    </span>
  );
}

export function ProvidersTable({ providers }: { providers: readonly ProviderState[] }) {
  return (
    <DataGrid
      label="Execution providers"
      noun="provider"
      rows={providers}
      columns={providerColumns}
      rowId={(row) => row.name}
      initialSort={{ id: 'state', desc: true }}
      empty={<p className="dim">No provider is known for this computer.</p>}
      plain
    />
  );
}

type Probe = HardwareReport['probes'][number];

const probeColumns: GridColumn<Probe>[] = [
  { id: 'name', header: 'Probe', value: (row) => row.name, rowHeader: true },
  {
    id: 'ok',
    header: 'Outcome',
    value: (row) => (row.ok ? 'answered' : 'failed'),
    cell: (row) => (
      <span className={styles.outcome}>
        <ToneIcon tone={row.ok ? 'good' : 'notice'} />
        {row.ok ? 'Answered' : 'Failed'}
      </span>
    ),
  },
  { id: 'ms', header: 'Time', unit: 'ms', align: 'right', value: (row) => row.ms },
  { id: 'error', header: 'What it said', value: (row) => row.error, grow: true },
];

export function ProbesTable({ probes }: { probes: HardwareReport['probes'] }) {
  return (
    <DataGrid
      label="Probes"
      noun="probe"
      rows={probes}
      columns={probeColumns}
      rowId={(row) => row.name}
      empty={<p className="dim">No probe was run.</p>}
      plain
    />
  );
}
