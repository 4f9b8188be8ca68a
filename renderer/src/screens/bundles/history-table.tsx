/** What was done with one bundle, out of the audit log. */
import { useQuery } from '@tanstack/react-query';
import type { Activity } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { plainName } from '../../lib/plain-name.ts';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Truncate } from '../../parts/truncate.tsx';

/** Lines shown; the rest is on the Activity screen. */
const SHOWN = 50;

const COLUMNS: GridColumn<Activity>[] = [
  { id: 'at', header: 'When', value: (row) => row.at, cell: (row) => <Moment at={row.at} /> },
  {
    id: 'what',
    header: 'What',
    rowHeader: true,
    grow: true,
    value: (row) => plainName(row.message),
    cell: (row) => (row.phase === 'failed' ? <Meaning tone="bad" word={plainName(row.message)} /> : <Truncate text={plainName(row.message)} />),
  },
  { id: 'who', header: 'Who', value: (row) => plainName(row.user === '' ? row.actor : row.user) },
  { id: 'through', header: 'Through', value: (row) => plainName(row.actor) },
];

export function HistoryTable({ bundleRef }: { bundleRef: string }) {
  const query = useQuery(orpc.activity.list.queryOptions({ input: { limit: SHOWN, link: `/bundles/${bundleRef}` } }));
  return (
    <QueryView query={query} what="Reading the audit log">
      {(lines) => (
        <DataGrid
          label="History"
          noun="line"
          rows={lines}
          columns={COLUMNS}
          rowId={(row) => String(row.seq)}
          empty={<p className="dim">Nothing in the audit log speaks of it: it is older than the log, or its lines are in an archive.</p>}
          plain
        />
      )}
    </QueryView>
  );
}
