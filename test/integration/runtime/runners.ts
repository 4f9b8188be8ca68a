/** Runners for tests: closed after each, in a temporary folder and a home of their own, so that what one leaves behind is seen. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { type Runner, type RunnerOptions, startRunner } from '#core/runtime';

const fixtures = join(import.meta.dirname, '../../fixtures');
export const digits = (name: string) => join(fixtures, 'digits', name);
export const hostile = (name: string) => join(fixtures, 'hostile', name);

/** For files of the test itself. */
export const scratch = mkdtempSync(join(tmpdir(), 'edgewright-test-runner-'));
/** Where runners put temporary files. */
export const temporary = mkdtempSync(join(tmpdir(), 'edgewright-test-runner-'));
/** ONNX Runtime 1.30 keeps a telemetry database in the home folder unless it is told not to. */
export const home = mkdtempSync(join(tmpdir(), 'edgewright-test-home-'));
process.env.TMPDIR = temporary;
process.env.TEMP = temporary;
process.env.HOME = home;

let open: Runner[] = [];

export async function start(options?: RunnerOptions): Promise<Runner> {
  const runner = await startRunner(options);
  open.push(runner);
  return runner;
}

afterEach(async () => {
  await Promise.all(open.map((runner) => runner.close()));
  open = [];
});
afterAll(() => [scratch, temporary, home].forEach((dir) => rmSync(dir, { recursive: true, force: true })));
