/** Does one thing to the workspace in argv[2], with the keys in argv[3]; the fault comes from the preload. Exits 6 when the machine failed it. */
import { join } from 'node:path';
import { asEdgewrightError } from '#contract';
import { openCatalogue, openRegistry, openStore } from '#core/bundles';
import { openKeyring } from '#core/trust';

const [, , dir = '', keys = '', what = '', argument = ''] = process.argv;
const admit = async () => ({ ok: true, warnings: [] });
try {
  const store = await openStore(join(dir, 'store'));
  const registry = await openRegistry({ store, catalogue: openCatalogue(join(dir, 'catalogue.db')), keyring: await openKeyring(keys, { store: 'file' }) });
  if (what === 'import') await registry.import(argument, { admit });
  if (what === 'export') await registry.export('digits@1.0.0', argument, {});
  if (what === 'remove') await registry.remove('digits@1.0.0');
  if (what === 'gc') await registry.collectGarbage();
  if (what === 'rebuild') await registry.rebuild();
  if (what === 'build') await registry.build(argument, { admit });
  if (what === 'verify') await registry.verifyStore();
} catch (error) {
  const known = asEdgewrightError(error);
  process.stderr.write(`${known.code}: ${known.message}\n`);
  process.exitCode = known.owner === 'machine' ? 6 : 1;
}
