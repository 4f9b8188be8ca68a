/** The contract without a server: for a command that finds no engine. Writers queue for the workspace; readers don't wait. */
import { createRouterClient } from '@orpc/server';
import type { ContractRouterClient } from '@orpc/contract';
import { type Contract } from '#contract';
import { createLog, WORKSPACE_WAIT_MS } from '#core/platform';
import { type Core, openCore } from './core.ts';
import { createRouter } from './router.ts';

export interface LocalClient {
  client: ContractRouterClient<Contract>;
  core: Core;
  close(): Promise<void>;
}

export async function openLocalClient(options: { home: string }): Promise<LocalClient> {
  const log = createLog('edgewright');
  const core = await openCore({ home: options.home, log, lock: { hold: false, waitMs: WORKSPACE_WAIT_MS } });
  const client = createRouterClient(createRouter(core), { context: { actor: 'command line' } });
  return { client: client as unknown as ContractRouterClient<Contract>, core, close: () => core.close() };
}
