import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import type { BundleSummary, Device, TrialSummary } from '#contract';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { byteUnit, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { bundlePart, refOf } from '../../lib/refs.ts';
import { bundleMeaning } from '../../lib/states.ts';
import { useFileDrop } from '../../lib/use-file-drop.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { NO_SOURCE, sourceOf } from '../../parts/file-source.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { bundlesRoute } from '../../routes.ts';
import { AddBundleSheet, isWay, type Way } from './add-bundle-sheet.tsx';
import styles from './bundles.module.css';
import { type Troubled, useBundlePages } from './use-bundle-pages.tsx';

interface Row extends BundleSummary {
  ref: string;
  bytes: number;
  verdict: TrialSummary | undefined;
  runningOn: string[];
}

const NO_TRIALS: TrialSummary[] = [];
const NO_DEVICES: Device[] = [];

/** The smallest variant's size, what the last finished trial said, and which devices serve it. */
function toRow(bundle: BundleSummary, trials: readonly TrialSummary[], devices: readonly Device[]): Row {
  const ref = refOf(bundle);
  return {
    ...bundle,
    ref,
    bytes: bundle.variants[0]?.bytes ?? 0,
    verdict: trials.filter((trial) => bundlePart(trial.ref) === ref && trial.verdict).toSorted((a, b) => b.startedAt - a.startedAt)[0],
    runningOn: devices
      .filter((device) =>
        device.bundles.some((each) => each.name === bundle.name && each.version === bundle.version && (each.state === 'active' || each.state === 'on trial')),
      )
      .map((device) => device.name),
  };
}

function columnsFor(rows: readonly Row[]): GridColumn<Row>[] {
  const size = byteUnit(rows.map((row) => row.bytes));
  return [
    {
      id: 'name',
      header: 'Name',
      rowHeader: true,
      value: (row) => row.name,
      cell: (row) => (
        <Link to="/bundles/$ref" params={{ ref: row.ref }}>
          {row.name}
        </Link>
      ),
    },
    { id: 'version', header: 'Version', value: (row) => row.version },
    { id: 'variants', header: 'Variants', value: (row) => row.variants.map((variant) => plainName(variant.name)).join(', '), grow: true },
    { id: 'size', header: 'Size of fp32', unit: size.unit, align: 'right', value: (row) => row.bytes / size.factor },
    { id: 'precision', header: 'Precision', value: (row) => row.variants[0]?.precision, facet: true, hidden: true },
    { id: 'state', header: 'State', value: (row) => bundleMeaning(row).word, facet: true, cell: (row) => <Meaning {...bundleMeaning(row)} /> },
    {
      id: 'verdict',
      header: 'Last verdict',
      value: (row) => (row.verdict ? (row.verdict.verdict?.chosen ?? 'none passed') : 'no trial yet'),
      cell: (row) =>
        row.verdict ? (
          <Link to="/trials/$id" params={{ id: row.verdict.id }}>
            {row.verdict.verdict?.chosen ?? 'none passed'}
          </Link>
        ) : (
          <span className="dim">no trial yet</span>
        ),
    },
    { id: 'running', header: 'Running on', value: (row) => row.runningOn.join(', ') || undefined, grow: true },
    { id: 'digest', header: 'Digest', value: (row) => row.digest, cell: (row) => <Digest digest={row.digest} of={row.ref} />, hidden: true },
    { id: 'created', header: 'Built', value: (row) => row.createdAt, cell: (row) => <Moment at={row.createdAt} />, align: 'right' },
  ];
}

export function BundlesScreen(): ReactNode {
  const { query, bundles, troubled, paged, tools } = useBundlePages();
  const trials = useQuery(orpc.trials.list.queryOptions()).data ?? NO_TRIALS;
  const devices = useQuery(orpc.devices.list.queryOptions()).data ?? NO_DEVICES;
  const navigate = useNavigate();
  const { add } = bundlesRoute.useSearch();
  const [dropped, setDropped] = useState({ source: NO_SOURCE, time: 0 });
  const show = (way: Way | undefined): void => void navigate({ to: '/bundles', search: way === undefined ? {} : { add: way }, replace: add !== undefined });
  const over = useFileDrop(({ files, folder }) => {
    setDropped(({ time }) => ({ source: sourceOf(files), time: time + 1 }));
    show(wayFor(files[0]?.name ?? '', folder));
  });
  const rows = useMemo(() => bundles?.map((bundle) => toRow(bundle, trials, devices)) ?? [], [bundles, trials, devices]);
  const columns = useMemo(() => columnsFor(rows), [rows]);
  return (
    <Page
      title="Bundles"
      fixed
      status={sentence(troubled)}
      action={
        <Button kind="primary" onClick={() => show('sample')}>
          Add a bundle
        </Button>
      }
    >
      <div className={over ? `${styles.zone} ${styles.over}` : styles.zone}>
        <QueryView query={query} what="Reading the bundles">
          {() => (
            <DataGrid
              label="Bundles"
              noun="bundle"
              fill
              rows={rows}
              columns={columns}
              rowId={(row) => row.ref}
              paged={paged}
              tools={tools}
              onOpen={(row) => void navigate({ to: '/bundles/$ref', params: { ref: row.ref } })}
              empty={
                <Empty
                  title="No bundle yet"
                  action={
                    <Button kind="primary" onClick={() => show('sample')}>
                      Add a bundle
                    </Button>
                  }
                >
                  <p>
                    A bundle is a model with its recipe, labels, golden set and limits, checked and signed. Start with the sample that reads handwritten digits,
                    or build your own from a folder. A model or bundle file can also be dropped here.
                  </p>
                </Empty>
              }
            />
          )}
        </QueryView>
      </div>
      <AddBundleSheet
        key={dropped.time}
        way={isWay(add) ? add : undefined}
        dropped={dropped.source}
        onWay={show}
        onClose={() => {
          setDropped(({ time }) => ({ source: NO_SOURCE, time }));
          show(undefined);
        }}
      />
    </Page>
  );
}

/** The way in that suits what was dropped. */
function wayFor(name: string, folder: boolean): Way {
  if (folder) return 'folder';
  return /\.(tar|tgz|oci|tar\.gz)$/i.test(name) ? 'file' : 'model';
}

function sentence(troubled: Troubled | undefined): string {
  if (troubled === undefined) return 'Models with everything they need, signed and ready to run.';
  const { total, unsound, first } = troubled;
  if (total === 0) return 'No model is in this workspace yet.';
  if (!first) return `${plural(total, 'bundle')}, all sound and signed.`;
  const meaning = bundleMeaning(first);
  const why = meaning.reason === undefined ? '' : `: ${meaning.reason}`;
  return `${unsound} of ${plural(total, 'bundle')} ${unsound === 1 ? 'needs' : 'need'} a look. ${refOf(first)} is ${meaning.word.toLowerCase()}${why}`;
}
