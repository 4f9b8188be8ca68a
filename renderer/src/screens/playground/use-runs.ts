/** Runs the model on what is shown, the newest input last; an input that came meanwhile replaces the one that waited. */
import { useCallback, useRef, useState } from 'react';
import type { RawInput, RunResult } from '#contract';
import { client } from '../../lib/engine.ts';

export interface RunState {
  running: boolean;
  /** Generated text so far. */
  written?: string;
  result?: RunResult;
  error?: unknown;
}

export function useRuns(): { state: RunState; run: (ref: string, input: RawInput) => void; stop: () => void; reset: () => void } {
  const [state, setState] = useState<RunState>({ running: false });
  const busy = useRef(false);
  const next = useRef<{ ref: string; input: RawInput } | undefined>(undefined);
  const generation = useRef(0);
  const current = useRef<AbortController>(undefined);
  const writing = useRef(false);

  const work = useCallback(async (): Promise<void> => {
    if (busy.current) return;
    busy.current = true;
    while (next.current) {
      const job = next.current;
      next.current = undefined;
      const started = generation.current;
      setState((before) => ({ ...before, running: true }));
      const abort = new AbortController();
      current.current = abort;
      writing.current = false;
      let written = '';
      try {
        for await (const event of await client.inference.stream(job, { signal: abort.signal })) {
          if (started !== generation.current) continue;
          if (event.kind === 'text') {
            writing.current = true;
            written += event.text;
            setState({ running: true, written });
          } else setState({ running: next.current !== undefined, result: event.result });
        }
      } catch (error) {
        // What was stopped keeps what was written so far.
        if (started === generation.current) setState({ running: next.current !== undefined, ...(abort.signal.aborted ? { written } : { error }) });
      }
    }
    busy.current = false;
    setState((before) => (before.running ? { ...before, running: false } : before));
  }, []);

  const run = useCallback(
    (ref: string, input: RawInput): void => {
      next.current = { ref, input };
      // Text that is still being written is no longer wanted. Any other run is short, and stopping it would cost the loaded model.
      if (writing.current) current.current?.abort();
      void work();
    },
    [work],
  );
  const stop = useCallback((): void => current.current?.abort(), []);
  const reset = useCallback((): void => {
    generation.current += 1;
    next.current = undefined;
    if (writing.current) current.current?.abort();
    setState({ running: false });
  }, []);
  return { state, run, stop, reset };
}
