/** A registry over a store, for being killed or run out of space: `node --import fault-at.mjs registry-child.ts DIR`. Prints its port. */
import { join } from 'node:path';
import { openStore } from '#core/bundles';
import { openRepositories, startRegistryServer } from '#core/distribution';
import { createLog, systemClock } from '#core/platform';

const [dir = ''] = process.argv.slice(2);
const store = await openStore(join(dir, 'store'));
const repositories = openRepositories({ store, clock: systemClock });
await repositories.sweep();
const server = await startRegistryServer({
  repositories,
  door: { admit: async () => {}, remove: async () => {} },
  clock: systemClock,
  log: createLog('registry', { level: 'silent' }),
  at: { host: '127.0.0.1', port: 0 },
  allowDelete: false,
});
process.stdout.write(`${server.address.split(':')[1]}\n`);
