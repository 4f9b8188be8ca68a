import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, lazy, Suspense } from 'react';
import type { Trial } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc } from '../../lib/engine.ts';
import { duration, percent, plural } from '../../lib/format.ts';
import { bundlePart } from '../../lib/refs.ts';
import { trialMeaning } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Loading } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { trialRoute } from '../../routes.ts';
import { CompareTrials } from './compare-trials.tsx';
import { GatesTable } from './gates-table.tsx';
import { TrialProgress } from './trial-progress.tsx';
import { TrialTable } from './trial-table.tsx';
import styles from './trials.module.css';
import { VariantNotes } from './variant-notes.tsx';

const ParetoChart = lazy(() => import('../../charts/pareto-chart.tsx').then((module) => ({ default: module.ParetoChart })));

export function TrialPage(): ReactNode {
  const { id } = trialRoute.useParams();
  const navigate = useNavigate();
  const query = useQuery(orpc.trials.show.queryOptions({ input: { id } }));
  const trial = query.data;
  const cancel = useMutation({ mutationFn: (jobId: string) => client.jobs.cancel({ id: jobId }) });
  const chosen = trial?.verdict?.chosen;
  const jobId = trial?.state === 'running' ? trial.jobId : undefined;
  return (
    <Page
      title={trial ? `Trial of ${trial.ref}` : id}
      crumbs={[
        <Link key="trials" to="/trials">
          Trials
        </Link>,
      ]}
      padded
      status={trial ? sentence(trial) : 'Reading the trial…'}
      action={
        trial &&
        (trial.state === 'running' ? (
          <Button
            kind="danger"
            disabled={jobId === undefined}
            busy={cancel.isPending && 'Cancelling'}
            onClick={() => jobId !== undefined && cancel.mutate(jobId)}
          >
            Cancel the trial
          </Button>
        ) : (
          <>
            <Button onClick={() => void navigate({ to: '/trials', search: { new: bundlePart(trial.ref) } })}>Repeat the trial</Button>
            {chosen !== undefined && (
              <Button kind="primary" onClick={() => void navigate({ to: '/deployments/new', search: { ref: bundlePart(trial.ref), variant: chosen } })}>
                Deploy {chosen}
              </Button>
            )}
          </>
        ))
      }
    >
      <QueryView query={query} what="Reading the trial">
        {(data) => (
          <>
            {cancel.isError && <ErrorPanel error={cancel.error} title="The trial was not cancelled." />}
            {data.error && (
              <div className={styles.banner}>
                <ErrorPanel error={data.error} title={`The trial ${data.state}.`} />
              </div>
            )}
            {data.state === 'running' && <TrialProgress trial={data} />}
            <Results trial={data} />
          </>
        )}
      </QueryView>
    </Page>
  );
}

function sentence(trial: Trial): string {
  if (trial.verdict) return trial.verdict.reason;
  if (trial.state !== 'running')
    return `${trialMeaning(trial).word}. ${finished(trial)} of ${plural(trial.variants.length, 'variant')} measured; there is no verdict.`;
  return `Running: ${finished(trial)} of ${plural(trial.variants.length, 'variant')} measured. The verdict follows when all are.`;
}

function finished(trial: Trial): number {
  return trial.variants.filter((variant) => variant.stage === 'done').length;
}

function Results({ trial }: { trial: Trial }) {
  const noisy = Math.max(0, ...trial.variants.flatMap((variant) => variant.machines.map((machine) => machine.benchmark.noise)));
  return (
    <>
      <Section title="Variants" aside={<Meaning {...trialMeaning(trial)} />}>
        <TrialTable trial={trial} />
        {noisy > NOISY && (
          <p className={styles.note}>
            ± {percent(noisy / 2)} between rounds, machine busy: latencies are less certain than they look. Repeat the trial when the machine is idle.
          </p>
        )}
        <VariantNotes variants={trial.variants} />
      </Section>
      <div className={styles.halves}>
        <Section title="Pareto chart">
          <Suspense fallback={<Loading what="Drawing the chart" />}>
            <ParetoChart name={trial.id} variants={trial.variants} chosen={trial.verdict?.chosen} />
          </Suspense>
        </Section>
        <Section title="Gates and golden sets">
          <GatesTable trial={trial} />
        </Section>
      </div>
      <Section title="Compared with an earlier trial">
        <CompareTrials trial={trial} />
      </Section>
      <Section title="How it was measured">
        <Facts
          items={[
            { name: 'Started', value: <Moment at={trial.startedAt} /> },
            ...(trial.endedAt === undefined ? [] : [{ name: 'Took', value: duration(trial.endedAt - trial.startedAt) }]),
            { name: 'Rounds', value: `${trial.spec.rounds} of ${plural(trial.spec.runsPerRound, 'run')} each, variants interleaved, batch 1` },
            { name: 'Threads', value: trial.spec.threads === 0 ? 'all usable cores' : String(trial.spec.threads) },
            { name: 'Machine', value: `${trial.machine.hostname}, ${trial.machine.cpu}` },
            { name: 'ONNX Runtime', value: trial.machine.onnxruntime },
            { name: 'Trial', value: <code>{trial.id}</code> },
          ]}
        />
      </Section>
    </>
  );
}

/** Spread between rounds, as a share, above which the machine is said to have been busy. */
const NOISY = 0.1;
