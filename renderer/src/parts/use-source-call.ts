/** A call whose work is a job on a file: what only the window has is copied to the engine first. */
import { useState } from 'react';
import { type JobCall, useJobCall } from '../lib/use-job-call.ts';
import { type Source, withSource } from './file-source.tsx';

interface Options<Result> {
  /** @param path where the engine finds the file while this lasts */
  call: (path: string, jobId: string, signal: AbortSignal) => Promise<Result>;
  onSuccess: (result: Result) => void;
}

export interface SourceCall<Result> extends JobCall<Source, Result> {
  /** How much was copied, 0..1; undefined when nothing is being copied. */
  copied: number | undefined;
}

export function useSourceCall<Result>({ call, onSuccess }: Options<Result>): SourceCall<Result> {
  const [copied, setCopied] = useState<number>();
  const work = useJobCall({
    call: (source: Source, jobId, signal) => {
      const onPath = (path: string): Promise<Result> => {
        setCopied(undefined);
        return call(path, jobId, signal);
      };
      return withSource(source, onPath, { signal, onCopied: setCopied }).finally(() => setCopied(undefined));
    },
    onSuccess,
  });
  return { ...work, copied };
}
