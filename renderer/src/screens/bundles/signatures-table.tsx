/** Who signed which variant, and whether that counts here. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import type { BundleDetail, Signature, TrustedSigner } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { plural, shortDigest } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Digest } from '../../parts/copy.tsx';
import { Section } from '../../parts/facts.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { ROLE } from '../trust/signer-words.ts';

const NO_SIGNERS: TrustedSigner[] = [];

function nameOf({ name, kind, trusted }: Signature): string {
  if (kind === 'self') return 'This workspace';
  if (name !== undefined) return plainName(name);
  return trusted ? 'A trusted signer' : 'Nobody known here';
}

/** Why this workspace signed what others made: because of whom it trusts. */
function because({ acceptedFrom }: Signature, signers: readonly TrustedSigner[]): string | undefined {
  return acceptedFrom?.map((id) => plainName(signers.find((one) => one.id === id)?.name ?? `${shortDigest(id)}, not trusted any more`)).join(', ');
}

export function Signatures({ bundle }: { bundle: BundleDetail }): ReactNode {
  const signers = useQuery(orpc.trust.list.queryOptions()).data ?? NO_SIGNERS;
  const columns = useMemo((): GridColumn<Signature>[] => {
    const anyBecause = bundle.signatures.some((one) => one.acceptedFrom);
    return [
      { id: 'by', header: 'Signed by', value: nameOf, rowHeader: true },
      { id: 'variant', header: 'Variant', value: (row) => plainName(row.variant) },
      { id: 'role', header: 'Role', value: (row) => (row.kind === undefined || row.kind === 'self' ? undefined : ROLE[row.kind]) },
      {
        id: 'counts',
        header: 'Counts here',
        grow: true,
        value: (row) => (row.trusted ? 'yes' : plainName(row.problem ?? 'no')),
        cell: (row) =>
          row.trusted ? (
            <Meaning tone="good" word="Counts" />
          ) : (
            <Meaning tone="notice" word={plainName(row.problem ?? 'Does not count: its signer is not trusted here')} />
          ),
      },
      ...(anyBecause
        ? [{ id: 'because', header: 'Signed here because of', value: (row: Signature) => because(row, signers) } satisfies GridColumn<Signature>]
        : []),
      {
        id: 'key',
        header: 'Key',
        value: (row) => row.signer,
        cell: (row) =>
          row.signer === undefined ? <span className="dim">not known here</span> : <Digest digest={row.signer} of={`the key of ${nameOf(row)}`} />,
      },
    ];
  }, [bundle, signers]);
  return (
    <Section
      title="Signatures"
      aside={
        <span className="dim">
          {summary(bundle.signatures)} Whose signatures count is decided in <Link to="/settings">Settings</Link>.
        </span>
      }
    >
      <DataGrid
        label="Signatures"
        noun="signature"
        rows={bundle.signatures}
        columns={columns}
        rowId={(row) => `${row.digest} ${row.variant}`}
        empty={<p className="dim">Nobody signed it.</p>}
        plain
      />
    </Section>
  );
}

function summary(signatures: readonly Signature[]): string {
  if (signatures.length === 0) return 'A variant can be used when somebody trusted signed it.';
  const counting = signatures.filter((one) => one.trusted).length;
  if (counting === 0) return signatures.length === 1 ? 'It does not count.' : `None of the ${signatures.length} counts.`;
  if (counting === signatures.length) return counting === 1 ? 'It counts.' : `All ${counting} count.`;
  return `${counting} of ${plural(signatures.length, 'signature')} ${counting === 1 ? 'counts' : 'count'}.`;
}
