/** Provider packs from the command line; what a pack is made of is tested in ../packs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('provider-cli');
});
afterAll(() => work.remove());

const provider = (...args: string[]) => cli(['provider', ...args, '--json'], { home: join(work.dir, 'home') });

test('a pack that nobody knows, or that is not installed, is wrong usage', async () => {
  expect((await provider('install', 'nonsense')).json()).toMatchObject({ ok: false, error: { code: 'provider.unknown', owner: 'usage' } });
  expect((await provider('install', 'tensorrt')).json()).toMatchObject({ error: { hint: expect.stringContaining('TensorRT 10') as string } });
  for (const command of ['verify', 'remove']) expect((await provider(command, 'cuda')).code, command).toBe(64);
});

const linux = process.platform === 'linux' && process.arch === 'x64';
describe.skipIf(!linux)('the CUDA pack (Linux on x64; elsewhere there is none)', () => {
  test('is listed with what it takes and what the driver must be', async () => {
    const listed = await provider('list');
    expect(listed.json()).toMatchObject({
      ok: true,
      packs: [{ name: 'cuda', state: 'available', providers: ['cuda'], driver: { vendor: 'NVIDIA', atLeast: expect.stringMatching(/^\d+\.\d+/) as string } }],
    });
    expect((await cli(['provider', 'list'], { home: join(work.dir, 'home') })).stdout).toMatch(/not installed .* to fetch[\s\S]*NVIDIA driver \d+/);
  });

  test('is not taken from what is no pack', async () => {
    const folder = join(work.dir, 'wheels');
    await mkdir(folder);
    expect((await provider('install', 'cuda', '--from', folder)).json()).toMatchObject({ error: { code: 'provider.wheel-missing', owner: 'usage' } });
    await writeFile(join(work.dir, 'cuda.pack'), 'no archive');
    expect((await provider('install', 'cuda', '--from', join(work.dir, 'cuda.pack'))).code).toBe(2);
    expect((await provider('install', 'cuda', '--from', join(work.dir, 'nowhere'))).code).toBe(64);
    expect((await provider('list')).json()).toMatchObject({ packs: [{ state: 'available' }] });
  });

  test('an index whose address holds a password is refused, and the password is not repeated', async () => {
    const refused = await provider('install', 'cuda', '--index', 'https://anna:s3cret@example.org/simple');
    expect(refused.json()).toMatchObject({ error: { code: 'provider.index-wrong' } });
    expect(refused.stdout + refused.stderr).not.toContain('s3cret');
  });
});
