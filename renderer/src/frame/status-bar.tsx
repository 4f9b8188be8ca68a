/** Workspace · online or offline · running jobs with progress · engine state. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { client, orpc, reconnectNow, useConnection } from '../lib/engine.ts';
import { bytes, left, percent, plural } from '../lib/format.ts';
import { EngineLink } from '../parts/engine-link.tsx';
import { ToneIcon } from '../parts/meaning.tsx';
import { UnlockButton } from '../parts/unlock-keys.tsx';
import styles from './status-bar.module.css';

function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener('online', listener);
      window.addEventListener('offline', listener);
      return () => {
        window.removeEventListener('online', listener);
        window.removeEventListener('offline', listener);
      };
    },
    () => navigator.onLine,
  );
}

export function StatusBar() {
  const online = useOnline();
  const status = useQuery(orpc.system.status.queryOptions()).data;
  return (
    <footer className={styles.bar}>
      {status && (
        <span className={styles.home} title={`Workspace ${status.home}`}>
          <code>{status.home}</code>
        </span>
      )}
      <span
        className={styles.network}
        title={online ? 'This computer has a network.' : 'Everything here works without a network; devices must be reachable to deploy to them.'}
      >
        {online ? 'Online' : 'Offline'}
      </span>
      {status && <span className={styles.disk}>{bytes(status.diskFreeBytes)} free</span>}
      <LockedKeys />
      <RunningJobs />
      <EngineState />
    </footer>
  );
}

function LockedKeys() {
  const keys = useQuery(orpc.workspace.keys.queryOptions()).data;
  if (!keys || keys.unlocked) return null;
  return (
    <span className={styles.keys}>
      <ToneIcon tone="notice" size={12} />
      Keys locked
      <UnlockButton />
    </span>
  );
}

function RunningJobs() {
  const jobs = useQuery(orpc.jobs.list.queryOptions()).data ?? [];
  const cancel = useMutation({ mutationFn: (id: string) => client.jobs.cancel({ id }) });
  const running = jobs.filter((job) => job.state === 'running');
  const job = running[0];
  if (!job) return <span className={styles.jobs}>No jobs running</span>;
  return (
    <span className={styles.jobs}>
      <ToneIcon tone="running" size={12} />
      <EngineLink link={job.link}>{job.title}</EngineLink>
      {job.progress !== undefined && <progress aria-label={job.title} value={job.progress} />}
      <span className={styles.step}>
        {[job.progress !== undefined && percent(job.progress), job.step, job.etaMs !== undefined && left(job.etaMs)].filter(Boolean).join(' · ')}
      </span>
      <button type="button" onClick={() => cancel.mutate(job.id)} aria-label={`Cancel ${job.title}`}>
        Cancel
      </button>
      {running.length > 1 && <EngineLink link="/activity?view=jobs">and {plural(running.length - 1, 'more job')}</EngineLink>}
    </span>
  );
}

function EngineState() {
  const { phase } = useConnection();
  const version = useQuery(orpc.system.status.queryOptions()).data?.version;
  if (phase === 'open') {
    return (
      <span className={styles.engine} role="status">
        <ToneIcon tone="good" size={12} />
        Engine {version ?? ''} connected
      </span>
    );
  }
  return (
    <span className={styles.engine} role="status">
      <ToneIcon tone="bad" size={12} />
      Engine lost, connecting again
      <button type="button" onClick={reconnectNow}>
        Try now
      </button>
    </span>
  );
}
