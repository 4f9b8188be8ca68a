/** What is attached to the variants beside their signatures: bills of materials and signed statements, and whether each counts. */
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import type { BundleDetail, BundleReferrer } from '#contract';
import { saveFile } from '../../lib/csv.ts';
import { client } from '../../lib/engine.ts';
import { plainName } from '../../lib/plain-name.ts';
import { refOf, variantRef } from '../../lib/refs.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Section } from '../../parts/facts.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Warnings } from '../../parts/warnings.tsx';

function whatIs({ kind, revision, predicateType }: BundleReferrer): string {
  const which = revision === undefined ? '' : `, revision ${revision}`;
  if (kind === 'bom') return `Bill of materials${which}`;
  return `Statement${predicateType === undefined ? '' : ` about ${plainName(predicateType)}`}${which}`;
}

function madeBy({ signerKind, name }: BundleReferrer): string | undefined {
  if (signerKind === 'self') return 'This workspace';
  return name === undefined ? undefined : plainName(name);
}

export function Attached({ bundle }: { bundle: BundleDetail }): ReactNode {
  const ref = refOf(bundle);
  const save = useMutation({
    mutationFn: (variant: string) => client.bundles.bom({ ref: variantRef(ref, variant) }),
    onSuccess: ({ name, version, variant, text }) =>
      saveFile(`${name}-${version}-${variant.replaceAll(/[^\w.-]+/g, '-')}.cdx.json`, new Blob([text], { type: 'application/vnd.cyclonedx+json' })),
  });
  const { mutate } = save;
  const columns = useMemo(
    (): GridColumn<BundleReferrer>[] => [
      { id: 'what', header: 'What', value: whatIs, rowHeader: true },
      { id: 'variant', header: 'Variant', value: (row) => plainName(row.variant) },
      { id: 'by', header: 'Signed by', value: madeBy },
      {
        id: 'counts',
        header: 'Counts here',
        grow: true,
        value: (row) => (row.valid ? 'yes' : plainName(row.problem ?? 'no')),
        cell: (row) => (row.valid ? <Meaning tone="good" word="Counts" /> : <Meaning tone="notice" word={plainName(row.problem ?? 'Does not count')} />),
      },
      { id: 'digest', header: 'Digest', value: (row) => row.digest, cell: (row) => <Digest digest={row.digest} of={whatIs(row)} /> },
      {
        id: 'save',
        header: 'Content',
        value: () => undefined,
        cell: (row) =>
          row.kind === 'bom' && row.valid ? (
            <Button kind="quiet" onClick={() => mutate(row.variant)}>
              Save<span className="visually-hidden"> the bill of materials of {plainName(row.variant)}</span>
            </Button>
          ) : (
            ''
          ),
      },
    ],
    [mutate],
  );
  return (
    <Section title="Attached">
      <Warnings warnings={bundle.warnings} />
      {save.isError && <ErrorPanel error={save.error} title="It was not saved." />}
      <DataGrid
        label="Attached"
        noun="document"
        rows={bundle.referrers.filter((one) => one.kind !== 'signature')}
        columns={columns}
        rowId={(row) => row.digest}
        empty={<p className="dim">Nothing beside the signatures.</p>}
        plain
      />
    </Section>
  );
}
