/** What every command has in common: a connection, the output form, and one way to fail. */
import type { Command } from 'commander';
import { EdgewrightError } from '#contract';
import { type Client, connect } from './connect.ts';
import { onInterrupt } from './interrupt.ts';
import { createOutput, type Output } from './output.ts';

export interface Context {
  client: Client;
  output: Output;
  /** Whether an engine does the work. */
  engine: boolean;
  /** Fires on Ctrl-C: for calls that can be stopped. */
  signal: AbortSignal;
}

/** How long interrupted work may take to clean up behind it, in ms. */
const CLEAN_UP_MS = 2_000;

/** Set by an action when the work was done but its outcome is a failure (a gate missed, say). */
let exitCode = 0;

export function setExitCode(code: number): void {
  exitCode = code;
}

export function currentExitCode(): number {
  return exitCode;
}

/** Wraps an action: connects, runs, closes, whatever happens. */
export function action<Args extends unknown[]>(run: (context: Context, ...args: Args) => Promise<void>): (...given: [...Args, Command]) => Promise<void> {
  return offlineAction(async (context, ...args: Args) => {
    const connection = await connect();
    try {
      context.signal.throwIfAborted();
      await run({ ...context, client: connection.client, engine: connection.engine }, ...args);
    } finally {
      await connection.close();
    }
  });
}

/** The same for what needs no workspace: nothing is opened. */
export function offlineAction<Args extends unknown[]>(
  run: (context: Pick<Context, 'output' | 'signal'>, ...args: Args) => Promise<void>,
): (...given: [...Args, Command]) => Promise<void> {
  return async (...given) => {
    const command = given[given.length - 1] as Command;
    const args = given.slice(0, -1) as unknown as Args;
    const output = createOutput(wantsJson(command));
    const abort = new AbortController();
    const release = onInterrupt(() => abort.abort());
    try {
      await Promise.race([run({ output, signal: abort.signal }, ...args), interrupted(abort.signal)]);
    } catch (error) {
      if (!abort.signal.aborted) throw error;
      throw new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' }, { cause: error });
    } finally {
      release();
    }
  };
}

/** Rejects some time after the signal: work that does not stop by itself ends with the process. */
function interrupted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason as Error), CLEAN_UP_MS), { once: true });
  });
}

/** --json may stand before or after the command's name. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}
