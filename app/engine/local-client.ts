/** The contract without a server: for a command that finds no engine. Writers queue for the workspace; readers don't wait. */
import type { ContractRouterClient } from '@orpc/contract';
import { createRouterClient } from '@orpc/server';
import { type Contract, EdgewrightError } from '#contract';
import { createLog, WORKSPACE_WAIT_MS } from '#core/platform';
import { openCore } from './core.ts';
import { createRouter } from './router.ts';

export interface LocalClient {
  client: ContractRouterClient<Contract>;
  /** Only with `hold`: starts a real agent beside this process and enrols it. It ends with `close`. */
  startPracticeDevice(): Promise<void>;
  close(): Promise<void>;
}

/** @param options.hold keep the workspace's lock until `close` instead of taking it for each write */
export async function openLocalClient(options: { home: string; hold?: boolean }): Promise<LocalClient> {
  // A person reads this command's own words; warnings of the core are for a log.
  const log = createLog('edgewright', { level: 'error' });
  const core = await openCore({ home: options.home, log, lock: { hold: options.hold ?? false, waitMs: WORKSPACE_WAIT_MS } });
  const client: ContractRouterClient<Contract> = createRouterClient(createRouter(core), { context: { actor: 'command line' } });
  return {
    client,
    startPracticeDevice: async () => {
      await core.practice.start();
      const problem = core.practice.problem();
      if (problem !== undefined) {
        throw new EdgewrightError({ code: 'device.practice-failed', message: `The practice device did not start: ${problem}`, owner: 'device' });
      }
    },
    close: () => core.close(),
  };
}
