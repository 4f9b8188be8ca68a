import { join } from 'node:path';
import { runCheck } from './check-steps.ts';

const results = await runCheck(join(import.meta.dirname, '..'));
process.exitCode = results.every((result) => result.ok) ? 0 : 1;
