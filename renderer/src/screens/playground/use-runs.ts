/** Runs the model on what is shown, the newest input last; an input that came meanwhile replaces the one that waited. */
import { useCallback, useRef, useState } from 'react';
import type { RawInput, RunResult } from '#contract';
import { client } from '../../lib/engine.ts';

export interface RunState {
  running: boolean;
  result?: RunResult;
  error?: unknown;
}

export function useRuns(): { state: RunState; run: (ref: string, input: RawInput) => void; reset: () => void } {
  const [state, setState] = useState<RunState>({ running: false });
  const busy = useRef(false);
  const next = useRef<{ ref: string; input: RawInput } | undefined>(undefined);
  const generation = useRef(0);

  const work = useCallback(async (): Promise<void> => {
    if (busy.current) return;
    busy.current = true;
    while (next.current) {
      const job = next.current;
      next.current = undefined;
      const started = generation.current;
      setState((before) => ({ ...before, running: true }));
      try {
        const result = await client.inference.run(job);
        if (started === generation.current) setState({ running: next.current !== undefined, result });
      } catch (error) {
        if (started === generation.current) setState({ running: next.current !== undefined, error });
      }
    }
    busy.current = false;
    setState((before) => (before.running ? { ...before, running: false } : before));
  }, []);

  const run = useCallback(
    (ref: string, input: RawInput): void => {
      next.current = { ref, input };
      void work();
    },
    [work],
  );
  const reset = useCallback((): void => {
    generation.current += 1;
    next.current = undefined;
    setState({ running: false });
  }, []);
  return { state, run, reset };
}
