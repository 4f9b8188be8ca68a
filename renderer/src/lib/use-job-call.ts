/** A call whose work is a job: begun under an id of ours, so that it is followed and can be cancelled while it runs. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { asEdgewrightError, type Job } from '#contract';
import { client, orpc } from './engine.ts';

interface Options<Input, Result> {
  call: (input: Input, jobId: string, signal: AbortSignal) => Promise<Result>;
  /** Called even when the panel that began it was closed meanwhile. */
  onSuccess?: (result: Result, input: Input) => void;
}

export interface JobCall<Input, Result> {
  begin: (input: Input) => void;
  /** Forgets how the last one ended. */
  reset: () => void;
  running: boolean;
  /** The job, once the engine began it: before, it waits for its turn. */
  job: Job | undefined;
  result: Result | undefined;
  error: unknown;
  /** It ended because a person wanted it to. */
  cancelled: boolean;
  cancel: () => void;
}

export function useJobCall<Input, Result>({ call, onSuccess }: Options<Input, Result>): JobCall<Input, Result> {
  const [jobId, setJobId] = useState('');
  const abort = useRef<AbortController>(undefined);
  const mutation = useMutation({
    mutationFn: (input: Input) => {
      const id = crypto.randomUUID();
      const control = new AbortController();
      abort.current = control;
      setJobId(id);
      return call(input, id, control.signal);
    },
    ...(onSuccess && { onSuccess }),
  });
  const jobs = useQuery({ ...orpc.jobs.list.queryOptions(), enabled: mutation.isPending }).data;
  const job = mutation.isPending ? jobs?.find((one) => one.id === jobId) : undefined;
  const cancelled = mutation.isError && (abort.current?.signal.aborted === true || asEdgewrightError(mutation.error).owner === 'cancelled');
  return {
    begin: mutation.mutate,
    reset: mutation.reset,
    running: mutation.isPending,
    job,
    result: mutation.data,
    error: cancelled ? undefined : (mutation.error ?? undefined),
    cancelled,
    cancel: () => {
      // The call ends when the work has stopped; one that has not begun is taken back.
      if (job) client.jobs.cancel({ id: job.id }).catch(() => abort.current?.abort());
      else abort.current?.abort();
    },
  };
}
