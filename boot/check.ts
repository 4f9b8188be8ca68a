/** `npm run check`; with --fix, what tools can put right by themselves (format, some lint) is put right first. */
import { join } from 'node:path';
import { FIX_STEPS, runCheck } from './check-steps.ts';
import { runAll } from './pool.ts';

const root = join(import.meta.dirname, '..');
// One after another: they write the same files.
if (process.argv.includes('--fix')) for (const step of FIX_STEPS) await runAll([step], root, () => {});
const results = await runCheck(root);
process.exitCode = results.every((result) => result.ok) ? 0 : 1;
