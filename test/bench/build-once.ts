/**
 * Builds the bundle in argv[3] into the workspace argv[2], as a whole process: checked and stored; the runner's part only
 * when argv[4] asks for it. Without a bundle it only makes the workspace.
 */
import { join } from 'node:path';
import { openCatalogue, openRegistry, openStore } from '#core/bundles';
import { openKeyring } from '#core/trust';
import { admit } from '../../app/engine/admit.ts';

const [, , dir = '', source = '', runs = ''] = process.argv;
const store = await openStore(join(dir, 'store'));
const registry = await openRegistry({
  store,
  catalogue: openCatalogue(join(dir, 'catalogue.db')),
  keyring: await openKeyring(join(dir, 'keys'), { store: 'file' }),
});
if (source === '') process.exit();
let runnerMs = 0;
await registry.build(source, {
  admit: async (candidate, signal) => {
    if (runs !== 'run') return { ok: true, warnings: [] };
    const began = performance.now();
    const checked = await admit(candidate, signal);
    runnerMs = performance.now() - began;
    return checked;
  },
});
process.stdout.write(JSON.stringify({ runnerMs }));
process.exit();
