/** The contract without a server: for a command that finds no engine. Writers queue for the workspace; readers don't wait. */
import type { ContractRouterClient } from '@orpc/contract';
import { createRouterClient } from '@orpc/server';
import { type Contract, EdgewrightError } from '#contract';
import { createLog, WORKSPACE_WAIT_MS } from '#core/platform';
import { finishRestore } from './backup/switch.ts';
import { openCore } from './core.ts';
import { createRouter } from './router.ts';
import { type AskPassphrase, tryUnlock } from './unlock.ts';

export interface LocalClient {
  client: ContractRouterClient<Contract>;
  /** Only with `hold`: starts a real agent beside this process and enrols it. It ends with `close`. */
  startPracticeDevice(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param options.hold keep the workspace's lock until `close` instead of taking it for each write
 * @param options.askPassphrase asks the person, when something needs keys that a passphrase locks
 * @param options.throwAway nothing of this workspace may outlive its folder
 */
export async function openLocalClient(options: { home: string; hold?: boolean; askPassphrase?: AskPassphrase; throwAway?: boolean }): Promise<LocalClient> {
  // A person reads this command's own words; warnings of the core are for a log.
  const log = createLog('edgewright', { level: 'error' });
  await finishRestore(options.home);
  const core = await openCore({
    home: options.home,
    log,
    lock: { hold: options.hold ?? false, waitMs: WORKSPACE_WAIT_MS },
    ...(options.throwAway && { keyStore: 'file' as const }),
  });
  const client: ContractRouterClient<Contract> = createRouterClient(createRouter(core), {
    context: { actor: 'command line', unlock: () => tryUnlock(core.keyring, options.askPassphrase) },
  });
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
