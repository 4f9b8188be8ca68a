/** What every command has in common: a connection, the output form, and one way to fail. */
import type { Command } from 'commander';
import { type Client, connect } from './connect.ts';
import { createOutput, type Output } from './output.ts';

export interface Context {
  client: Client;
  output: Output;
  /** Whether an engine does the work. */
  engine: boolean;
}

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
  return async (...given) => {
    const command = given[given.length - 1] as Command;
    const args = given.slice(0, -1) as unknown as Args;
    const output = createOutput(wantsJson(command));
    const connection = await connect();
    try {
      await run({ client: connection.client, output, engine: connection.engine }, ...args);
    } finally {
      await connection.close();
    }
  };
}

/** --json may stand before or after the command's name. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}
