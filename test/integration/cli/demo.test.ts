/** The whole loop, as a new user runs it: every step real, none may fail, and nothing is left behind. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';

interface DemoDocument {
  ok: boolean;
  steps: { name: string; ok: boolean; seconds: number; [figure: string]: unknown }[];
}

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('demo');
});
afterAll(() => work.remove());

test('edgewright demo does every step for real', async () => {
  const temp = join(work.dir, 'temp');
  await mkdir(temp);
  const result = await cli(['demo', '--json'], { home: work.dir, env: { TMPDIR: temp } });
  const document = result.json() as DemoDocument;
  expect(document, result.stderr).toMatchObject({ ok: true });
  expect(result.code).toBe(0);
  expect(document.steps.map((s) => s.name)).toEqual(['hardware', 'build', 'run', 'trial', 'enrol', 'deploy', 'infer', 'bad-update-rolled-back', 'rollback']);
  const step = (name: string) => document.steps.find((s) => s.name === name);
  expect(step('run')).toMatchObject({ label: '7' });
  const variants = step('trial')?.variants as { name: string; metric: { value: number }; golden: boolean }[];
  // What an independent program measures for this model (see the sample bundle): 591 of 600.
  expect(variants.find((v) => v.name === 'fp32')?.metric.value).toBe(0.985);
  expect(variants.map((v) => v.name)).toEqual(['fp32', 'int8-dynamic', 'int8-static']);
  expect(step('bad-update-rolled-back')).toMatchObject({ state: 'rolled back', servesAgain: expect.stringContaining('digits@1.0.0') as string });
  expect(step('rollback')).toMatchObject({ from: expect.stringContaining('1.2.0') as string, to: expect.stringContaining('1.0.0') as string });
  expect(await readdir(temp)).toEqual([]);
});
