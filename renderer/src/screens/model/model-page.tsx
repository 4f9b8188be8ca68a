/** One model, looked into: what it is, its graph, its nodes and its weights. Named by a bundle's reference or by a file's path. */
import { Link, useNavigate } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ModelReport } from '#contract';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { bytes, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { bundlePart } from '../../lib/refs.ts';
import { QueryView } from '../../parts/query-view.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { modelRoute } from '../../routes.ts';
import { GraphView } from './graph/graph-view.tsx';
import { ModelOverview } from './model-overview.tsx';
import { NodesView } from './nodes-view.tsx';
import { SpeedView } from './speed/speed-view.tsx';
import { TensorsView } from './tensors-view.tsx';

const VIEWS = [
  { value: 'overview', label: 'Overview' },
  { value: 'graph', label: 'Graph' },
  { value: 'nodes', label: 'Nodes' },
  { value: 'tensors', label: 'Tensors' },
  { value: 'speed', label: 'Speed' },
] as const;
type View = (typeof VIEWS)[number]['value'];

export function ModelPage(): ReactNode {
  const search = modelRoute.useSearch();
  const navigate = useNavigate();
  const ref = search.ref ?? '';
  const view: View = VIEWS.find((each) => each.value === search.view)?.value ?? 'overview';
  const query = useQuery({ ...orpc.models.inspect.queryOptions({ input: { ref } }), enabled: ref !== '' });
  const isFile = /[/\\]/.test(ref);
  return (
    <Page
      title={isFile ? (ref.split(/[/\\]/).at(-1) ?? ref) : 'Model'}
      crumbs={[
        <Link key="bundles" to="/bundles">
          Bundles
        </Link>,
        ...(isFile || ref === ''
          ? []
          : [
              <Link key="bundle" to="/bundles/$ref" params={{ ref: bundlePart(ref) }}>
                {ref}
              </Link>,
            ]),
      ]}
      padded={view === 'overview' || view === 'speed'}
      fixed={view !== 'overview' && view !== 'speed'}
      status={query.data ? sentence(query.data) : waiting(ref, query.isError)}
      action={
        <Tabs
          label="Views of the model"
          options={VIEWS}
          value={view}
          onChange={(next) => void navigate({ to: '/bundles/model', search: { ref, view: next } })}
        />
      }
    >
      <QueryView query={query} what="Reading the model">
        {(report) => (
          <>
            {view === 'overview' && <ModelOverview report={report} modelRef={ref} />}
            {view === 'graph' && <GraphView modelRef={ref} />}
            {view === 'nodes' && <NodesView modelRef={ref} ops={Object.keys(report.ops)} />}
            {view === 'speed' && <SpeedView key={ref} modelRef={ref} />}
            {view === 'tensors' && <TensorsView modelRef={ref} report={report} />}
          </>
        )}
      </QueryView>
    </Page>
  );
}

function waiting(ref: string, failed: boolean): string {
  if (ref === '') return 'No model is named in the address.';
  return failed ? 'The model could not be read.' : 'Reading the model…';
}

function sentence(report: ModelReport): string {
  const from = report.origin.framework === 'unknown' ? 'Not recorded where it comes from' : `From ${plainName(report.origin.framework)}`;
  const warned = report.warnings.length === 0 ? 'nothing to warn of' : plural(report.warnings.length, 'warning');
  return `${from}: ${plural(report.nodes, 'node')}, ${plural(report.parameters, 'parameter')}, ${bytes(report.bytes)}; ${warned}.`;
}
