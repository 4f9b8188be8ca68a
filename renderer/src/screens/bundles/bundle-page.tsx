import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { BundleDetail } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc } from '../../lib/engine.ts';
import { bytes, milliseconds, plural } from '../../lib/format.ts';
import { plainName, plainText } from '../../lib/plain-name.ts';
import { refOf } from '../../lib/refs.ts';
import { bundleMeaning } from '../../lib/states.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Shape } from '../../parts/shape.tsx';
import { bundleRoute } from '../../routes.ts';
import { Attached } from './attached-table.tsx';
import { BundleActions } from './bundle-actions.tsx';
import { FilesTable, RunningTable, TrialsTable, VariantsTable } from './bundle-tables.tsx';
import styles from './bundles.module.css';
import { HistoryTable } from './history-table.tsx';
import { Signatures } from './signatures-table.tsx';
import { standingOf } from './standing.ts';
import { StandingPanel } from './standing-panel.tsx';
import { Verified } from './verified.tsx';

export function BundlePage(): ReactNode {
  const { ref } = bundleRoute.useParams();
  const navigate = useNavigate();
  const query = useQuery(orpc.bundles.show.queryOptions({ input: { ref } }));
  const verify = useJobCall({ call: (_: undefined, jobId, signal) => client.bundles.verify({ ref, jobId }, { signal }) });
  const bundle = query.data;
  const usable = bundle?.state === 'sound';
  return (
    <Page
      title={ref}
      crumbs={[
        <Link key="bundles" to="/bundles">
          Bundles
        </Link>,
      ]}
      padded
      status={bundle ? sentence(bundle) : query.isError ? 'It could not be read.' : 'Reading the bundle…'}
      action={
        bundle && (
          <>
            <BundleActions bundle={bundle} />
            <Button busy={verify.running && 'Verifying every file'} onClick={() => verify.begin(undefined)}>
              Verify the files
            </Button>
            <Button onClick={() => void navigate({ to: '/bundles/model', search: { ref, view: 'graph' } })}>Look into the model</Button>
            {usable && (
              <>
                <Button onClick={() => void navigate({ to: '/playground', search: { ref } })}>Open in Playground</Button>
                <Button kind="primary" onClick={() => void navigate({ to: '/trials', search: { new: ref } })}>
                  Set up a trial
                </Button>
              </>
            )}
          </>
        )
      }
    >
      <QueryView query={query} what="Reading the bundle">
        {(data) => (
          <>
            <StandingPanel bundle={data} verifying={verify.running} onVerify={() => verify.begin(undefined)} />
            {verify.result && <Verified result={verify.result} />}
            {(verify.running || verify.error !== undefined || verify.cancelled) && (
              <div className={styles.banner}>
                <JobLine label="Verify" call={verify} failed="The bundle could not be verified." stopped="Nothing was changed." />
              </div>
            )}
            <Overview bundle={data} />
            <Section title="Variants">
              <VariantsTable bundle={data} />
            </Section>
            <Section title="Trials">
              <TrialsTable bundleRef={refOf(data)} />
            </Section>
            <Section title="Where it runs">
              <RunningTable bundle={data} />
            </Section>
            <Signatures bundle={data} />
            <Attached bundle={data} />
            <Section title="History">
              <HistoryTable bundleRef={refOf(data)} />
            </Section>
            <Section title="Files">
              <FilesTable bundle={data} />
            </Section>
          </>
        )}
      </QueryView>
    </Page>
  );
}

function sentence(bundle: BundleDetail): string {
  const state = standingOf(bundle)?.title ?? bundleMeaning(bundle).word;
  const text = bundle.description === undefined ? '' : `${plainText(bundle.description).replace(/\.?$/, '.')} `;
  return `${text}${state.replace(/\.?$/, '.')}`;
}

function Overview({ bundle }: { bundle: BundleDetail }) {
  return (
    <div className={styles.overview}>
      <Section title="Overview">
        <Facts
          items={[
            { name: 'State', value: <Meaning {...bundleMeaning(bundle)} /> },
            { name: 'Digest', value: <Digest digest={bundle.digest} of={refOf(bundle)} /> },
            { name: 'Built', value: <Moment at={bundle.createdAt} /> },
            { name: 'Exported by', value: bundle.producer === undefined ? 'not recorded' : plainName(bundle.producer) },
            { name: 'Graph', value: `${plural(bundle.nodes, 'node')}, ${plural(bundle.parameters, 'parameter')}` },
            {
              name: 'Operator sets',
              value: Object.entries(bundle.opsets)
                .map(([domain, version]) => `${domain === '' ? 'ai.onnx' : plainName(domain)} ${version}`)
                .join(', '),
            },
            {
              name: 'Test metric',
              value: bundle.metric ? (
                <code>{`${plainName(bundle.metric.name)} of ${plainName(bundle.metric.output)}`}</code>
              ) : (
                'none: trials compare golden outputs only'
              ),
            },
            { name: 'Limits', value: limits(bundle) },
          ]}
        />
      </Section>
      <Section title="In and out">
        <Facts
          items={[
            ...bundle.inputs.map((tensor, index) => ({ name: bundle.inputs.length > 1 ? `Input ${index + 1}` : 'Input', value: <Shape tensor={tensor} /> })),
            ...bundle.outputs.map((tensor, index) => ({
              name: bundle.outputs.length > 1 ? `Output ${index + 1}` : 'Output',
              value: <Shape tensor={tensor} />,
            })),
            ...(bundle.labels ? [{ name: 'Labels', value: labels(bundle.labels) }] : []),
            {
              name: 'Recipe',
              value: bundle.recipe ? (
                <>
                  <p>From {bundle.recipe.kind === 'image' ? 'an image' : bundle.recipe.kind}:</p>
                  <ol className={styles.steps}>
                    {bundle.recipe.steps.map((step, index) => (
                      <li key={`${index + 1} ${step}`}>{plainName(step)}</li>
                    ))}
                  </ol>
                </>
              ) : (
                'none: the model takes tensors (.npz)'
              ),
            },
          ]}
        />
      </Section>
    </div>
  );
}

/** Labels shown before the rest is only counted. */
const LABELS_SHOWN = 20;

function labels(all: readonly string[]): string {
  const rest = all.length - LABELS_SHOWN;
  return `${all.slice(0, LABELS_SHOWN).map(plainName).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function limits({ limits: { p95Ms, memoryBytes } }: BundleDetail): string {
  const parts = [p95Ms !== undefined && `p95 latency ${milliseconds(p95Ms)}`, memoryBytes !== undefined && `memory ${bytes(memoryBytes)}`].filter(
    (part) => typeof part === 'string',
  );
  return parts.length > 0 ? `${parts.join(', ')}; devices watch them` : 'none';
}
