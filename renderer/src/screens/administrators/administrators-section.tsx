/** Other laptops that may manage the devices of this workspace, and workspaces whose devices this one may manage. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import type { Administrator, Membership } from '#contract';
import { saveFile } from '../../lib/csv.ts';
import { client, orpc } from '../../lib/engine.ts';
import { count } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import type { Meaning as MeaningData } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Section } from '../../parts/facts.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Truncate } from '../../parts/truncate.tsx';
import styles from '../trust/trust.module.css';
import { AdministratorFileSheet } from './administrator-file-sheet.tsx';
import { LeaveWorkspace, RevokeAdministrator } from './endings.tsx';

const STATE: Record<Administrator['state'], MeaningData> = {
  valid: { tone: 'good', word: 'Valid' },
  expired: { tone: 'notice', word: 'Expired' },
  revoked: { tone: 'bad', word: 'Revoked' },
};

/** What the devices know of somebody: where they came, or how many know that they are out. */
function reach({ state, devices }: Administrator): string {
  const told = devices.filter((device) => device.told);
  const seen = devices.filter((device) => device.seenAt !== undefined);
  if (devices.length === 0) return 'no device yet';
  if (state !== 'revoked') return `came to ${count(seen.length)} of ${count(devices.length)}`;
  if (told.length === devices.length) return devices.length === 1 ? 'the device knows' : `all ${count(devices.length)} know`;
  const open = devices.filter((device) => !device.told).map((device) => device.name);
  return `not told yet: ${open.join(', ')}`;
}

function administratorColumns(onRevoke: (one: Administrator) => void): GridColumn<Administrator>[] {
  return [
    { id: 'name', header: 'Administrator', rowHeader: true, value: (row) => plainName(row.name), cell: (row) => <Truncate text={plainName(row.name)} /> },
    { id: 'state', header: 'State', value: (row) => STATE[row.state].word, cell: (row) => <Meaning {...STATE[row.state]} /> },
    { id: 'fingerprint', header: 'Fingerprint', value: (row) => row.fingerprint, cell: (row) => <Digest digest={row.fingerprint} of={plainName(row.name)} /> },
    { id: 'devices', header: 'Devices', grow: true, value: reach },
    {
      id: 'until',
      header: 'Until',
      align: 'right',
      value: (row) => row.until,
      cell: (row) => <Until at={row.revokedAt === undefined ? row.until : undefined} />,
    },
    {
      id: 'change',
      header: 'Change',
      value: () => undefined,
      cell: (row) =>
        row.state === 'revoked' ? (
          ''
        ) : (
          <Button kind="quiet" onClick={() => onRevoke(row)}>
            Revoke…<span className="visually-hidden"> {plainName(row.name)}</span>
          </Button>
        ),
    },
  ];
}

function membershipColumns(onLeave: (one: Membership) => void): GridColumn<Membership>[] {
  return [
    { id: 'name', header: 'Workspace', rowHeader: true, value: (row) => plainName(row.name), cell: (row) => <Truncate text={plainName(row.name)} /> },
    { id: 'state', header: 'State', value: (row) => STATE[row.state].word, cell: (row) => <Meaning {...STATE[row.state]} /> },
    { id: 'fingerprint', header: 'Fingerprint', value: (row) => row.fingerprint, cell: (row) => <Digest digest={row.fingerprint} of={plainName(row.name)} /> },
    { id: 'devices', header: 'Its devices here', grow: true, value: (row) => row.devices.join(', ') || 'none' },
    { id: 'until', header: 'Until', align: 'right', value: (row) => row.until, cell: (row) => <Until at={row.until} /> },
    {
      id: 'change',
      header: 'Change',
      value: () => undefined,
      cell: (row) => (
        <Button kind="quiet" onClick={() => onLeave(row)}>
          Leave…<span className="visually-hidden"> {plainName(row.name)}</span>
        </Button>
      ),
    },
  ];
}

function Until({ at }: { at: number | undefined }) {
  return at === undefined ? <span className="dim">–</span> : <Moment at={at} />;
}

export function AdministratorsSection(): ReactNode {
  const list = useQuery(orpc.administrators.list.queryOptions());
  const memberships = useQuery(orpc.administrators.memberships.queryOptions());
  const [opened, setOpened] = useState(false);
  const [revoking, setRevoking] = useState<Administrator>();
  const [leaving, setLeaving] = useState<Membership>();
  const identity = useMutation({
    mutationFn: () => client.administrators.identity({}),
    onSuccess: ({ text, fingerprint }) => saveFile(`edgewright-identity-${fingerprint.slice(0, 8)}.json`, new Blob([text], { type: 'application/json' })),
  });
  const columns = useMemo(() => administratorColumns(setRevoking), []);
  const joined = useMemo(() => membershipColumns(setLeaving), []);
  return (
    <Section
      title="Administrators"
      aside={
        <div className={styles.aside}>
          <Button kind="quiet" busy={identity.isPending && 'Writing it'} onClick={() => identity.mutate()}>
            Save our identity
          </Button>
          <Button onClick={() => setOpened(true)}>Grant or join…</Button>
        </div>
      }
    >
      <p className="dim">
        Another laptop can manage the devices of this workspace with keys of its own, for a time: it hands over its identity, gets a grant for it, and joins
        with that. No private key travels.
      </p>
      {identity.isError && <ErrorPanel error={identity.error} title="No identity was written." />}
      <QueryView query={list} what="Reading who may manage the devices">
        {(rows) => (
          <DataGrid
            label="Administrators"
            noun="administrator"
            rows={rows}
            columns={columns}
            rowId={(row) => row.fingerprint}
            empty={<p>Nobody else may manage the devices of this workspace.</p>}
            plain
          />
        )}
      </QueryView>
      <QueryView query={memberships} what="Reading which workspaces were joined">
        {(rows) => <DataGrid label="Joined workspaces" noun="workspace" rows={rows} columns={joined} rowId={(row) => row.workspaceId} empty={null} plain />}
      </QueryView>
      <AdministratorFileSheet opened={opened} onClose={() => setOpened(false)} />
      <RevokeAdministrator one={revoking} onClose={() => setRevoking(undefined)} />
      <LeaveWorkspace one={leaving} onClose={() => setLeaving(undefined)} />
    </Section>
  );
}
