/**
 * `npm test`: the check, then every test. With arguments (files, -t NAME) only those tests, without the check.
 * `npm run test:long`: the same with the *.long.test.ts files.
 * The last line is `N passed, N failed`, steps of the check counted with the tests.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCheck } from './check-steps.ts';
import { countTests, type Counts } from './test-report.ts';

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);
const long = args.includes('--long');
const chosen = args.filter((arg) => arg !== '--long');

const steps = chosen.length === 0 ? await runCheck(root) : [];
const tests = await runVitest();
const failed = tests.counts.failed + steps.filter((step) => !step.ok).length;
const passed = tests.counts.passed + steps.filter((step) => step.ok).length;
if (tests.counts.skipped > 0) console.log(`${tests.counts.skipped} skipped`);
// A run that broke off (a file that cannot be loaded, no report at all) is a failure even when no test says so.
const broke = tests.status !== 0 && failed === 0;
console.log(`${passed} passed, ${broke ? 1 : failed} failed`);
process.exitCode = tests.status !== 0 || failed > 0 ? 1 : 0;

/** Vitest has the terminal; what it counted is read from its report. */
async function runVitest(): Promise<{ status: number; counts: Counts }> {
  const dir = mkdtempSync(join(tmpdir(), 'edgewright-test-'));
  const report = join(dir, 'report.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...chosen], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...(long && { EDGEWRIGHT_LONG: '1' }) },
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    const status = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(code ?? 1));
    });
    return { status, counts: countTests(readReport(report)) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function readReport(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
