/**
 * `registry serve`: the distribution API over the workspace's store, in a process of its own, so that whatever strangers send
 * never meets the engine. Reading and keeping what is pushed need only the store; what becomes of bundles is put before
 * whoever may write the workspace at that moment.
 */
import type { ContractRouterClient } from '@orpc/contract';
import type { Contract } from '#contract';
import { openStore } from '#core/bundles';
import { openRepositories, type RegistryServer, startRegistryServer } from '#core/distribution';
import { finishRestore } from './backup/switch.ts';
import { createLog, ensureDir, type HostPort, systemClock, workspacePaths } from '#core/platform';

export interface ServeRegistryOptions {
  home: string;
  at: HostPort;
  tls?: { certFile: string; keyFile: string } | undefined;
  htpasswdFile?: string | undefined;
  allowDelete: boolean;
  /** Speaks to the engine, or where there is none to the core; called for each bundle, since either may come and go. */
  connect(): Promise<{ client: ContractRouterClient<Contract>; close(): Promise<void> }>;
}

/** @throws usage.registry-exposed, usage.htpasswd, machine.port-in-use */
export async function serveRegistry(options: ServeRegistryOptions): Promise<RegistryServer> {
  const { home, connect } = options;
  const paths = workspacePaths(home);
  await finishRestore(home);
  await ensureDir(paths.home);
  const store = await openStore(paths.store);
  const repositories = openRepositories({ store, clock: systemClock });
  const ask = async (what: (client: ContractRouterClient<Contract>) => Promise<unknown>): Promise<void> => {
    const connection = await connect();
    try {
      await what(connection.client);
    } finally {
      await connection.close();
    }
  };
  const door = {
    admit: (name: string, version: string) => ask((client) => client.registries.admit({ name, version })),
    remove: (name: string, version: string) => ask((client) => client.bundles.remove({ ref: `${name}@${version}` })),
  };
  try {
    await repositories.sweep();
    const { at, tls, htpasswdFile, allowDelete } = options;
    const server = await startRegistryServer({ repositories, door, clock: systemClock, log: createLog('registry'), at, tls, htpasswdFile, allowDelete });
    const close = async () => {
      await server.close();
      repositories.close();
    };
    return { ...server, close };
  } catch (error) {
    repositories.close();
    throw error;
  }
}
