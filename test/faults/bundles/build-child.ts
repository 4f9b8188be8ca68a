/** Builds the bundle in argv[3] into the workspace folder argv[2]; the fault comes from the preload. Exits 6 when the disk is full. */
import { join } from 'node:path';
import { asEdgewrightError } from '#contract';
import { openCatalogue, openRegistry, openStore } from '#core/bundles';
import { openKeyring } from '#core/trust';

const [, , dir = '', source = '', keys = ''] = process.argv;
try {
  const store = await openStore(join(dir, 'store'));
  const registry = await openRegistry({ store, catalogue: openCatalogue(join(dir, 'catalogue.db')), keyring: await openKeyring(keys) });
  await registry.build(source, { admit: async () => ({ ok: true, warnings: [] }) });
} catch (error) {
  const known = asEdgewrightError(error);
  process.stderr.write(`${known.code}: ${known.message}\n`);
  process.exitCode = known.code === 'machine.disk-full' ? 6 : 1;
}
