/** A job under way, or how it ended: step, bar, estimate, a way to stop it, and what went wrong. */
import { left } from '../lib/format.ts';
import { plainName } from '../lib/plain-name.ts';
import type { JobCall } from '../lib/use-job-call.ts';
import { Button } from './button.tsx';
import { ErrorPanel } from './error-panel.tsx';
import styles from './job-line.module.css';
import { ProgressLine } from './progress-line.tsx';

interface Props {
  /** What is done, such as "Export". */
  label: string;
  call: Pick<JobCall<never, unknown>, 'running' | 'job' | 'error' | 'cancelled' | 'cancel'> & {
    /** How much of its file was copied to the engine, 0..1, while that is done. */
    copied?: number | undefined;
  };
  /** What a failure left undone, in one sentence. */
  failed: string;
  /** What a person finds after stopping it. */
  stopped: string;
}

export function JobLine({ label, call, failed, stopped }: Props) {
  const { running, job, error, cancelled, cancel, copied } = call;
  if (running) {
    return (
      <div className={styles.running}>
        {copied === undefined ? (
          <ProgressLine
            label={label}
            step={job === undefined ? 'Waiting for its turn' : plainName(job.step ?? job.title)}
            fraction={job?.progress}
            {...(job?.etaMs !== undefined && { note: left(job.etaMs) })}
          />
        ) : (
          <ProgressLine label="Copy" step="Copying the file into the workspace" fraction={copied} />
        )}
        <Button onClick={cancel}>Cancel</Button>
      </div>
    );
  }
  if (error !== undefined) return <ErrorPanel error={error} title={failed} />;
  if (cancelled)
    return (
      <p role="status" className="dim">
        Cancelled. {stopped}
      </p>
    );
  return null;
}
