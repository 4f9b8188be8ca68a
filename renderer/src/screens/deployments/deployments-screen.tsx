import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import type { Deployment } from '#contract';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { byteUnit, plural } from '../../lib/format.ts';
import { deploymentMeaning, deploymentRunning } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';

function columnsFor(deployments: readonly Deployment[]): GridColumn<Deployment>[] {
  const size = byteUnit(deployments.map((each) => each.bytesTotal));
  return [
    {
      id: 'ref',
      header: 'Bundle',
      rowHeader: true,
      value: (row) => row.ref,
      cell: (row) => (
        <Link to="/deployments/$id" params={{ id: row.id }}>
          {row.ref}
        </Link>
      ),
    },
    { id: 'variant', header: 'Variant', value: (row) => row.variant },
    {
      id: 'device',
      header: 'Device',
      facet: true,
      value: (row) => row.device,
      cell: (row) => (
        <Link to="/devices/$name" params={{ name: row.device }}>
          {row.device}
        </Link>
      ),
    },
    { id: 'state', header: 'State', facet: true, value: (row) => deploymentMeaning(row).word, cell: (row) => <Meaning {...deploymentMeaning(row)} /> },
    { id: 'why', header: 'Why', value: (row) => row.error?.message, grow: true },
    { id: 'sent', header: 'Sent', unit: size.unit, align: 'right', value: (row) => row.bytesSent / size.factor },
    { id: 'total', header: 'of', unit: size.unit, align: 'right', value: (row) => row.bytesTotal / size.factor },
    { id: 'seconds', header: 'Took', unit: 's', align: 'right', value: (row) => row.seconds },
    { id: 'serving', header: 'Serves after', value: (row) => row.serving, hidden: true },
    { id: 'digest', header: 'Digest', value: (row) => row.digest, cell: (row) => <Digest digest={row.digest} of={row.ref} />, hidden: true },
    { id: 'started', header: 'Started', align: 'right', value: (row) => row.startedAt, cell: (row) => <Moment at={row.startedAt} /> },
  ];
}

export function DeploymentsScreen(): ReactNode {
  const query = useQuery(orpc.deployments.list.queryOptions());
  const navigate = useNavigate();
  const deployments = query.data;
  const columns = useMemo(() => columnsFor(deployments ?? []), [deployments]);
  const deploy = (
    <Button kind="primary" onClick={() => void navigate({ to: '/deployments/new', search: {} })}>
      Deploy a bundle
    </Button>
  );
  return (
    <Page title="Deployments" fixed status={sentence(deployments)} action={deploy}>
      <QueryView query={query} what="Reading the deployments">
        {(data) => (
          <DataGrid
            label="Deployments"
            noun="deployment"
            fill
            rows={data}
            columns={columns}
            rowId={(row) => row.id}
            initialSort={{ id: 'started', desc: true }}
            onOpen={(row) => void navigate({ to: '/deployments/$id', params: { id: row.id } })}
            empty={
              <Empty title="Nothing was deployed yet" action={deploy}>
                <p>
                  A deployment sends what a device lacks, runs the golden set there, switches over, watches it, and puts the bundle before it back if the new
                  one misbehaves.
                </p>
              </Empty>
            }
          />
        )}
      </QueryView>
    </Page>
  );
}

function sentence(deployments: readonly Deployment[] | undefined): string {
  if (!deployments) return 'Bundles on their way to devices.';
  const running = deployments.filter(deploymentRunning);
  const first = running[0];
  if (first)
    return `${plural(running.length, 'deployment')} under way: ${first.ref} ${first.variant} to ${first.device}, ${deploymentMeaning(first).word.toLowerCase()}.`;
  const last = deployments.toSorted((a, b) => b.startedAt - a.startedAt)[0];
  if (!last) return 'No device has a bundle from this workspace yet.';
  return `Nothing is under way. Last: ${last.ref} ${last.variant} to ${last.device}, ${deploymentMeaning(last).word.toLowerCase()}.`;
}
