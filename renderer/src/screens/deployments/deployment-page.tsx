import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Deployment } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc } from '../../lib/engine.ts';
import { bytes, number } from '../../lib/format.ts';
import { bundlePart } from '../../lib/refs.ts';
import { deploymentMeaning, deploymentRunning } from '../../lib/states.ts';
import { Button } from '../../parts/button.tsx';
import { Digest } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { ProgressLine } from '../../parts/progress-line.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { deploymentRoute } from '../../routes.ts';
import { RollBack } from '../devices/roll-back.tsx';
import { EventsTable } from '../devices/device-tables.tsx';
import { DeploymentSteps } from './deployment-steps.tsx';

export function DeploymentPage(): ReactNode {
  const { id } = deploymentRoute.useParams();
  const query = useQuery(orpc.deployments.show.queryOptions({ input: { id } }));
  const deployment = query.data;
  const device = useQuery({ ...orpc.devices.show.queryOptions({ input: { name: deployment?.device ?? '' } }), enabled: deployment !== undefined }).data;
  const stop = useMutation({ mutationFn: (jobId: string) => client.jobs.cancel({ id: jobId }) });
  // A deployment names its job where it can; else the job names the deployment.
  const jobs = useQuery(orpc.jobs.list.queryOptions()).data;
  const job = jobs?.find((each) => each.state === 'running' && (each.id === deployment?.jobId || each.link === `/deployments/${id}`));
  const jobId = deployment && deploymentRunning(deployment) ? job?.id : undefined;
  return (
    <Page
      title={deployment ? `${deployment.ref} to ${deployment.device}` : id}
      crumbs={[
        <Link key="deployments" to="/deployments">
          Deployments
        </Link>,
      ]}
      padded
      status={deployment ? sentence(deployment) : 'Reading the deployment…'}
      action={
        deployment && (
          <>
            {device && <RollBack device={device} />}
            <Button kind="danger" disabled={jobId === undefined} busy={stop.isPending && 'Stopping'} onClick={() => jobId !== undefined && stop.mutate(jobId)}>
              Stop the deployment
            </Button>
          </>
        )
      }
    >
      <QueryView query={query} what="Reading the deployment">
        {(data) => (
          <>
            {stop.isError && <ErrorPanel error={stop.error} title="The deployment was not stopped." />}
            <Section title="Steps" aside={<Meaning {...deploymentMeaning(data)} />}>
              <DeploymentSteps deployment={data} />
              {data.state === 'sending' && data.bytesTotal > 0 && (
                <ProgressLine
                  label="Bytes sent"
                  step={`${bytes(data.bytesSent)} of ${bytes(data.bytesTotal)} sent`}
                  fraction={Math.min(1, data.bytesSent / data.bytesTotal)}
                />
              )}
              {data.error && <ErrorPanel error={data.error} />}
            </Section>
            <Section title="What was sent">
              <Facts
                items={[
                  {
                    name: 'Bundle',
                    value: (
                      <Link to="/bundles/$ref" params={{ ref: bundlePart(data.ref) }}>
                        {data.ref}
                      </Link>
                    ),
                  },
                  { name: 'Variant', value: data.variant },
                  { name: 'Digest', value: <Digest digest={data.digest} of={data.ref} /> },
                  {
                    name: 'Device',
                    value: (
                      <Link to="/devices/$name" params={{ name: data.device }}>
                        {data.device}
                      </Link>
                    ),
                  },
                  { name: 'Serves now', value: data.serving ?? 'known when it ends' },
                  { name: 'Sent', value: `${bytes(data.bytesSent)} of ${bytes(data.bytesTotal)}; ${saved(data)}` },
                  { name: 'Started', value: <Moment at={data.startedAt} /> },
                  { name: 'Took', value: `${number(data.seconds)} s${data.endedAt === undefined ? ' so far' : ''}` },
                  { name: 'Deployment', value: <code>{data.id}</code> },
                ]}
              />
            </Section>
            {device && (
              <Section title={`History of ${device.name} since then`}>
                <EventsTable device={{ ...device, events: device.events.filter((event) => event.at >= data.startedAt) }} />
              </Section>
            )}
          </>
        )}
      </QueryView>
    </Page>
  );
}

function saved(deployment: Deployment): string {
  if (deploymentRunning(deployment) && deployment.state === 'sending') return 'the rest follows or is there already';
  const there = deployment.bytesTotal - deployment.bytesSent;
  return there > 0 ? `${bytes(there)} were there already` : 'the device had none of it';
}

function sentence(deployment: Deployment): string {
  if (deployment.error) return deployment.error.message;
  switch (deployment.state) {
    case 'active':
      return `${deployment.device} serves ${deployment.ref} ${deployment.variant} since its watch ended.`;
    case 'on trial':
      return `${deployment.device} serves ${deployment.ref} ${deployment.variant} on trial; it is committed when its watch ends, and rolled back if it misbehaves.`;
    case 'cancelled':
      return `Stopped. ${deployment.serving === undefined ? '' : `${deployment.device} serves ${deployment.serving}.`}`;
    case 'superseded':
      return 'A later deployment to the same device took its place.';
    default:
      return `${deploymentMeaning(deployment).word}: ${deployment.ref} ${deployment.variant} to ${deployment.device}.`;
  }
}
