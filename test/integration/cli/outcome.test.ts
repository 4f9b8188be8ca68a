/** Work that was done but whose outcome is no success: the document is whole, `ok` is false, and the exit code says why. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const SAMPLE = join(ROOT, 'assets', 'sample-bundle');

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('outcome');
});
afterAll(() => work.remove());

test('a trial that no variant passes', async () => {
  const home = join(work.dir, 'trial');
  expect((await cli(['bundle', 'build', SAMPLE], { home })).code).toBe(0);
  const run = await cli(['trial', 'digits@1.0.0', '--variants', 'fp32', '--gate', 'p50 < 0.000001 ms', '--rounds', '1', '--runs', '5', '--json'], { home });
  expect(run.code, run.stderr).toBe(3);
  const { error, ...trial } = run.json() as Record<string, unknown>;
  expect(error).toMatchObject({ code: 'gate.no-variant', owner: 'gate' });
  expect(trial).toMatchObject({ ok: false, state: 'done', variants: [{ name: 'fp32', gates: [{ pass: false }] }], verdict: { reason: expect.any(String) } });
  const again = await cli(['trial', '--show', String(trial.id), '--json'], { home });
  expect(again.code).toBe(3);
  expect(again.json()).toMatchObject({ ok: false, id: trial.id });
});

test('a bundle that nothing proves is built, and says what it lacks', async () => {
  const dir = join(work.dir, 'no-golden');
  await cp(SAMPLE, dir, { recursive: true });
  const path = join(dir, 'edgewright.yaml');
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^golden: .*\n/m, ''));
  const built = await cli(['bundle', 'build', dir, '--json'], { home: join(work.dir, 'built') });
  expect(built.code, built.stdout).toBe(0);
  expect(built.json()).toMatchObject({ ok: true, name: 'digits', warnings: [{ code: 'bundle.no-golden' }] });
});
