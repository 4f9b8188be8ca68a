import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { BundleSummary, Device, DeploySpec, Settings } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Section } from '../../parts/facts.tsx';
import { Check, SelectField, TextField } from '../../parts/field.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { newDeploymentRoute } from '../../routes.ts';
import { DeviceState } from '../devices/devices-screen.tsx';
import styles from './deployments.module.css';
import { PreflightList } from './preflight-list.tsx';

const crumbs = [
  <Link key="deployments" to="/deployments">
    Deployments
  </Link>,
];

export function NewDeploymentScreen(): ReactNode {
  const bundles = useQuery(orpc.bundles.list.queryOptions());
  const devices = useQuery(orpc.devices.list.queryOptions());
  const settings = useQuery(orpc.system.settings.queryOptions());
  if (bundles.data && devices.data && settings.data) return <Ready bundles={bundles.data} devices={devices.data} settings={settings.data} />;
  return (
    <Page title="Deploy a bundle" crumbs={crumbs} status="Choose what goes where; every device is checked before anything is sent.">
      <QueryView query={bundles} what="Reading the bundles">
        {() => (
          <QueryView query={devices} what="Asking the devices">
            {() => (
              <QueryView query={settings} what="Reading the settings">
                {() => null}
              </QueryView>
            )}
          </QueryView>
        )}
      </QueryView>
    </Page>
  );
}

function Ready({ bundles, devices, settings }: { bundles: readonly BundleSummary[]; devices: readonly Device[]; settings: Settings }) {
  const search = newDeploymentRoute.useSearch();
  const navigate = useNavigate();
  const usable = bundles.filter((bundle) => bundle.state === 'sound').toSorted((a, b) => b.createdAt - a.createdAt);
  const [ref, setRef] = useState(() => (usable.some((bundle) => refOf(bundle) === search.ref) ? (search.ref ?? '') : usable[0] ? refOf(usable[0]) : ''));
  const [wantedVariant, setVariant] = useState(search.variant ?? '');
  const [chosen, setChosen] = useState<readonly string[]>(() =>
    search.device !== undefined ? [search.device] : devices.length === 1 && devices[0] ? [devices[0].name] : [],
  );
  const [watch, setWatch] = useState({ seconds: String(settings.watchSeconds), requests: String(settings.watchRequests) });
  const [override, setOverride] = useState('');
  const [allowDowngrade, setAllowDowngrade] = useState(false);
  const bundle = usable.find((each) => refOf(each) === ref);
  const variant = bundle?.variants.find((each) => each.name === wantedVariant)?.name ?? bundle?.variants[0]?.name;
  const seconds = wholeOrProblem(watch.seconds, 7 * 86_400);
  const requests = wholeOrProblem(watch.requests, 10_000_000);
  const complete = bundle !== undefined && variant !== undefined && chosen.length > 0 && seconds.problem === undefined && requests.problem === undefined;
  const spec: DeploySpec = {
    ref,
    ...(variant !== undefined && { variant }),
    devices: [...chosen],
    watch: { seconds: seconds.value, requests: requests.value, maxFailureShare: 0.05, minFailures: 3 },
    allowDowngrade,
    ...(override.trim() !== '' && { override: override.trim() }),
  };
  const preflight = useQuery({
    ...orpc.deployments.preflight.queryOptions({ input: { ...spec, override: undefined } }),
    enabled: complete,
    // What a device answers now may not hold in a minute.
    staleTime: 0,
  });
  const start = useMutation({
    mutationFn: () => client.deployments.start(spec),
    onSuccess: ({ deployments }) => {
      const only = deployments.length === 1 ? deployments[0] : undefined;
      void (only === undefined ? navigate({ to: '/deployments' }) : navigate({ to: '/deployments/$id', params: { id: only } }));
    },
  });
  const refused = preflight.data?.filter((each) => !each.ok) ?? [];
  const older = refused.some((each) => each.checks.some((check) => check.name === 'version' && !check.ok));
  const cleared = preflight.data !== undefined && !preflight.isFetching && !older && (refused.length === 0 || override.trim() !== '');
  const toggle = (name: string, on: boolean): void => setChosen(on ? [...chosen, name] : chosen.filter((each) => each !== name));

  if (usable.length === 0) {
    return (
      <Page title="Deploy a bundle" crumbs={crumbs} status="There is no sound bundle to deploy.">
        <Empty title="No sound bundle to deploy">
          <p>
            <Link to="/bundles">Add a bundle</Link> first.
          </p>
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title="Deploy a bundle"
      crumbs={crumbs}
      padded
      status={sentence(complete, preflight.isFetching, preflight.data?.length, refused.length)}
      action={
        <Button kind="primary" disabled={!complete || !cleared} busy={start.isPending && 'Starting'} onClick={() => start.mutate()}>
          Deploy to {plural(chosen.length, 'device')}
        </Button>
      }
    >
      {start.isError && (
        <div className={styles.banner}>
          <ErrorPanel error={start.error} title="Nothing was deployed." />
        </div>
      )}
      <div className={styles.setup}>
        <Section title="What">
          <div className={styles.fields}>
            <SelectField
              label="Bundle"
              value={ref}
              options={usable.map((each) => ({ value: refOf(each), label: refOf(each) }))}
              onChange={(event) => setRef(event.currentTarget.value)}
            />
            <SelectField
              label="Variant"
              value={variant ?? ''}
              options={(bundle?.variants ?? []).map((each) => ({ value: each.name, label: each.name }))}
              onChange={(event) => setVariant(event.currentTarget.value)}
            />
          </div>
        </Section>
        <Section title="Watch before it is committed">
          <div className={styles.fields}>
            <TextField
              label="At least"
              unit="seconds"
              inputMode="numeric"
              value={watch.seconds}
              problem={seconds.problem}
              onChange={(event) => setWatch({ ...watch, seconds: event.currentTarget.value })}
            />
            <TextField
              label="and at least"
              unit="requests"
              inputMode="numeric"
              value={watch.requests}
              problem={requests.problem}
              onChange={(event) => setWatch({ ...watch, requests: event.currentTarget.value })}
            />
          </div>
          <p className="dim">Until then the device rolls back by itself once 3 or more requests, and more than 5 % of them, have failed.</p>
        </Section>
      </div>
      <Section title="Devices" aside={<span className="dim">{chosen.length} chosen</span>}>
        {devices.length === 0 ? (
          <p className="dim">
            No device is enrolled yet. <Link to="/devices">Add a device</Link> first.
          </p>
        ) : (
          <ul className={styles.devices}>
            {devices.map((device) => (
              <li key={device.id}>
                <Check label={device.name} checked={chosen.includes(device.name)} onChange={(event) => toggle(device.name, event.currentTarget.checked)} />
                <DeviceState device={device} />
              </li>
            ))}
          </ul>
        )}
      </Section>
      {complete && (
        <Section
          title="Pre-flight"
          aside={
            <Button kind="quiet" busy={preflight.isFetching && 'Checking'} onClick={() => void preflight.refetch()}>
              Check again
            </Button>
          }
        >
          <QueryView query={preflight} what="Checking every device">
            {(results) => <PreflightList results={results} />}
          </QueryView>
          {(older || allowDowngrade) && (
            <Check
              label="Put this older version on although a newer one serves"
              checked={allowDowngrade}
              onChange={(event) => setAllowDowngrade(event.currentTarget.checked)}
            />
          )}
          {refused.length > 0 && !older && (
            <TextField
              label={`Reason to deploy although ${plural(refused.length, 'device')} said no`}
              hint="Kept on record with your deployment. Without a reason it does not start."
              maxLength={500}
              value={override}
              onChange={(event) => setOverride(event.currentTarget.value)}
            />
          )}
        </Section>
      )}
    </Page>
  );
}

function wholeOrProblem(text: string, high: number): { value: number; problem: string | undefined } {
  const value = Number(text);
  const ok = text.trim() !== '' && Number.isInteger(value) && value >= 0 && value <= high;
  return { value: ok ? value : 0, problem: ok ? undefined : 'A whole number, 0 or more' };
}

function sentence(complete: boolean, checking: boolean, checked: number | undefined, refused: number): string {
  if (!complete) return 'Choose what goes where; every device is checked before anything is sent.';
  if (checked === undefined) return checking ? 'Checking every device…' : 'The devices could not be checked.';
  return refused === 0
    ? `${checked === 1 ? 'The device' : `All ${checked} devices`} can take it.`
    : `${checked === 1 ? 'The device' : `${refused} of ${plural(checked, 'device')}`} said no; the reasons are below.`;
}
