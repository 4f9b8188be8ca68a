/** Whose signatures count in this workspace. */
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import type { TrustedSigner } from '#contract';
import { saveFile } from '../../lib/csv.ts';
import { client, orpc } from '../../lib/engine.ts';
import { plainName } from '../../lib/plain-name.ts';
import { useNow } from '../../lib/use-now.ts';
import { Button } from '../../parts/button.tsx';
import { Digest, useCopy } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Section } from '../../parts/facts.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Truncate } from '../../parts/truncate.tsx';
import { AddSignerSheet } from './add-signer-sheet.tsx';
import { RemoveSigner } from './remove-signer.tsx';
import { materialWords, ROLE } from './signer-words.ts';
import styles from './trust.module.css';

function columnsFor(now: number, onRemove: (signer: TrustedSigner) => void): GridColumn<TrustedSigner>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      rowHeader: true,
      value: (row) => (row.kind === 'self' ? 'This workspace' : plainName(row.name)),
      cell: (row) => <Truncate text={row.kind === 'self' ? 'This workspace' : plainName(row.name)} />,
    },
    { id: 'role', header: 'Role', value: (row) => (row.kind === 'self' ? undefined : ROLE[row.kind]) },
    { id: 'fingerprint', header: 'Fingerprint', value: (row) => row.id, cell: (row) => <Digest digest={row.id} of={`the key of ${plainName(row.name)}`} /> },
    {
      id: 'what',
      header: 'What counts',
      grow: true,
      value: materialWords,
      cell: (row) =>
        row.validUntil !== undefined && row.validUntil < now ? (
          <Meaning tone="bad" word="Expired" reason={materialWords(row)} inline />
        ) : (
          <Truncate text={row.note === undefined ? materialWords(row) : `${materialWords(row)}. ${plainName(row.note)}`} />
        ),
    },
    {
      id: 'since',
      header: 'Since',
      align: 'right',
      value: (row) => row.addedAt,
      cell: (row) => (row.addedAt === undefined ? '' : <Moment at={row.addedAt} />),
    },
    {
      id: 'remove',
      header: 'Change',
      value: () => undefined,
      cell: (row) =>
        row.kind === 'self' ? (
          ''
        ) : (
          <Button kind="quiet" onClick={() => onRemove(row)}>
            Remove…<span className="visually-hidden"> {plainName(row.name)}</span>
          </Button>
        ),
    },
  ];
}

/** How often it matters whether a certificate expired, in ms. */
const A_MINUTE = 60_000;

export function SignersSection(): ReactNode {
  const query = useQuery(orpc.trust.list.queryOptions());
  const minute = Math.floor(useNow() / A_MINUTE) * A_MINUTE;
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<TrustedSigner>();
  const [copied, copy] = useCopy();
  const [problem, setProblem] = useState<unknown>();
  const columns = useMemo(() => columnsFor(minute, setRemoving), [minute]);
  const own = (use: (key: { pem: string; id: string }) => void): void => {
    setProblem(undefined);
    client.trust.publicKey().then(use, setProblem);
  };
  return (
    <Section
      title="Trusted signers"
      aside={
        <div className={styles.aside}>
          <Button kind="quiet" onClick={() => own(({ pem }) => copy(pem))}>
            {copied ? 'Copied' : 'Copy our public key'}
          </Button>
          <Button
            kind="quiet"
            onClick={() => own(({ pem, id }) => saveFile(`edgewright-${id.slice(0, 8)}.pub`, new Blob([pem], { type: 'application/x-pem-file' })))}
          >
            Save our public key
          </Button>
          <Button onClick={() => setAdding(true)}>Trust a signer…</Button>
        </div>
      }
    >
      <p className="dim">A bundle can be used when somebody in this table signed every variant of it. Everything else is quarantined.</p>
      {problem !== undefined && <ErrorPanel error={problem} />}
      <QueryView query={query} what="Reading who is trusted">
        {(signers) => <DataGrid label="Trusted signers" noun="signer" rows={signers} columns={columns} rowId={(row) => row.id} empty={null} plain />}
      </QueryView>
      <AddSignerSheet opened={adding} onClose={() => setAdding(false)} />
      <RemoveSigner signer={removing} onClose={() => setRemoving(undefined)} />
    </Section>
  );
}
