/** `npm run build`: the heads in dist (boot has built the native addon and the screens before). */
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildHeads } from './bundle.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const started = performance.now();

// The screens are built and stamped by boot; everything else is made anew, so that nothing stale is shipped.
for (const name of readdirSync(dist)) {
  if (name !== 'renderer' && name !== '.renderer-stamp') rmSync(join(dist, name), { recursive: true, force: true });
}
await buildHeads(root);
const addon = join('native', 'build', 'Release', 'edgewright.node');
if (existsSync(join(root, addon))) cpSync(join(root, addon), join(dist, addon));
console.log(
  `built ${readdirSync(dist)
    .filter((name) => !name.startsWith('.'))
    .join(', ')} in dist (${((performance.now() - started) / 1000).toFixed(1)} s)`,
);
