/** Asking for an execution provider: unknown ones are refused, missing ones fall back and say so, unless that is forbidden. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const RUN = ['run', join(ROOT, 'assets/sample-bundle/model.onnx'), '--input', join(ROOT, 'assets/sample-bundle/golden.npz'), '--json'];

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('providers');
});
afterAll(() => work.remove());

const run = (...more: string[]) => cli([...RUN, ...more], { home: work.dir });

test('a name that no provider has is wrong usage', async () => {
  const result = await run('--ep', 'nonsense');
  expect(result.code).toBe(64);
  expect(result.json()).toMatchObject({ ok: false, error: { code: 'usage.unknown-provider', expected: expect.stringContaining('cpu') as string } });
});

// DirectML is on Windows only, so everywhere else it is missing for certain.
test.skipIf(process.platform === 'win32')('a provider that is missing falls back to the CPU, and every node says why', async () => {
  const result = await run('--ep', 'dml');
  expect(result.code, result.stderr).toBe(0);
  const { providers } = result.json() as { providers: { requested: string[]; actual: Record<string, number>; fallbacks: { reason: string }[] } };
  expect(providers.requested).toEqual(['dml', 'cpu']);
  expect(providers.actual.cpu).toBeGreaterThan(0);
  expect(providers.fallbacks[0]?.reason).toContain('dml');
});

test.skipIf(process.platform === 'win32')('with --strict-ep it fails instead', async () => {
  expect((await run('--ep', 'dml', '--strict-ep')).code).toBe(6);
});
