import { useQuery } from '@tanstack/react-query';
import type { Trial } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { duration, left } from '../../lib/format.ts';
import { useNow } from '../../lib/use-now.ts';
import { ProgressLine } from '../../parts/progress-line.tsx';

/** What the trial is doing now, how far it is and what is left. */
export function TrialProgress({ trial }: { trial: Trial }) {
  const jobs = useQuery(orpc.jobs.list.queryOptions()).data;
  const now = useNow();
  const job = jobs?.find((each) => each.id === trial.jobId);
  return (
    <ProgressLine
      label={`Trial of ${trial.ref}`}
      step={job?.step ?? 'Starting'}
      fraction={job?.progress}
      note={`${duration(Math.max(0, now - trial.startedAt))} so far${job?.etaMs === undefined ? '' : `, ${left(job.etaMs)}`}`}
    />
  );
}
