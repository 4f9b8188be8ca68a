import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchPack, installedPacks, installPack, removePack, verifyPack } from '#core/packs';
import { systemClock } from '#core/platform';
import { throwAwayDir } from '../../lib/cli.ts';
import { smallPack, type SmallPack, testIndex, type TestIndex } from './small-pack.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let dir: string;
let small: SmallPack;
let index: TestIndex;
const open: TestIndex[] = [];

async function serve(form: 'json' | 'html' = 'json', what: SmallPack = small): Promise<TestIndex> {
  const one = await testIndex(what, form);
  open.push(one);
  return one;
}

const install = (options: { signal?: AbortSignal; source?: { from: string }; onProgress?: (step: string, fraction: number) => void } = {}) =>
  installPack(small.pack, { dir, clock: systemClock, source: options.source ?? { index: index.url }, ...options });

beforeEach(async () => {
  work = await throwAwayDir('packs');
  dir = join(work.dir, 'providers');
  small = smallPack();
  index = await serve();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await work.remove();
});

describe('installing a pack from an index', () => {
  test.each(['json', 'html'] as const)('fetches, checks and unpacks its libraries and licences (%s index)', async (form) => {
    index = await serve(form);
    const steps: number[] = [];
    const pack = await install({ onProgress: (_step, fraction) => steps.push(fraction) });
    expect(pack.files.map((file) => file.name).sort()).toEqual([
      'libonnxruntime_providers_cuda.so',
      'libonnxruntime_providers_shared.so',
      'libvendor.so.13',
      'runtime-gpu-LICENSE',
      'vendor-math-LICENSE',
    ]);
    expect(await installedPacks(dir)).toEqual([pack]);
    expect(await verifyPack(pack)).toEqual([]);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(steps.at(-1)).toBeCloseTo(1, 3);
    // Nothing but the pack is left, and it is for this user's eyes.
    expect((await readdir(dir)).filter((name) => !name.startsWith('install.lock'))).toEqual([`cuda-${pack.onnxruntime}-1`]);
    expect((await stat(pack.folder)).mode & 0o077).toBe(0);
  });

  test('asks for nothing when it is there already', async () => {
    await install();
    const before = index.asked.length;
    await install();
    expect(index.asked.length).toBe(before);
  });

  test('goes on where it was cancelled, and fetches only the rest', async () => {
    const [wheel] = small.pack.wheels;
    const bytes = small.wheels.get(wheel?.file ?? '');
    if (!wheel || !bytes) throw new Error('no wheel');
    // Half of the first wheel, then silence.
    index.before = (request, response) => {
      if (!request.url?.startsWith('/files/')) return false;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100_000));
      return true;
    };
    const stop = new AbortController();
    await expect(install({ signal: stop.signal, onProgress: (_step, fraction) => fraction > 0 && stop.abort() })).rejects.toThrow();
    expect(await installedPacks(dir)).toEqual([]);
    const { size } = await stat(join(dir, 'downloads', `${wheel.file}.part`));
    expect(size).toBeGreaterThan(0);
    index.before = () => false;
    const before = index.asked.length;
    await install();
    expect(index.asked.slice(before).find((one) => one.path.startsWith('/files/'))).toEqual({ path: `/files/ab/${wheel.file}`, range: `bytes=${size}-` });
    expect(await installedPacks(dir)).toHaveLength(1);
  });

  test('a part that lies there is taken up by its length', async () => {
    const [wheel] = small.pack.wheels;
    if (!wheel) throw new Error('no wheel');
    await mkdir(join(dir, 'downloads'), { recursive: true });
    await writeFile(join(dir, 'downloads', `${wheel.file}.part`), (small.wheels.get(wheel.file) ?? Buffer.alloc(0)).subarray(0, 70_000));
    await install();
    expect(index.asked.find((one) => one.path.includes(wheel.file))?.range).toBe('bytes=70000-');
  });

  test('a damaged part is fetched again from the beginning', async () => {
    const [wheel] = small.pack.wheels;
    if (!wheel) throw new Error('no wheel');
    await mkdir(join(dir, 'downloads'), { recursive: true });
    await writeFile(join(dir, 'downloads', `${wheel.file}.part`), Buffer.alloc(70_000, 7));
    await install();
    expect(index.asked.filter((one) => one.path.includes(wheel.file)).map((one) => one.range)).toEqual(['bytes=70000-', undefined]);
    expect(await installedPacks(dir)).toHaveLength(1);
  });

  test('a whole wheel that lies there is not fetched again, and a spoiled one is', async () => {
    const [good, spoiled] = small.pack.wheels;
    if (!good || !spoiled) throw new Error('no wheels');
    await mkdir(join(dir, 'downloads'), { recursive: true });
    await small.writeTo(join(dir, 'downloads'));
    await writeFile(join(dir, 'downloads', spoiled.file), Buffer.alloc(spoiled.bytes));
    expect(await verifyPack(await install())).toEqual([]);
    const fetched = index.asked.filter((one) => one.path.startsWith('/files/')).map((one) => one.path);
    expect(fetched).toEqual([`/files/ab/${spoiled.file}`]);
  });

  test('a server that does not know of ranges starts over', async () => {
    const [wheel] = small.pack.wheels;
    const bytes = small.wheels.get(wheel?.file ?? '');
    if (!wheel || !bytes) throw new Error('no wheel');
    await mkdir(join(dir, 'downloads'), { recursive: true });
    await writeFile(join(dir, 'downloads', `${wheel.file}.part`), bytes.subarray(0, 1000));
    index.before = (request, response) => {
      if (request.headers.range === undefined) return false;
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      return true;
    };
    const pack = await install();
    expect(await verifyPack(pack)).toEqual([]);
  });

  test('goes on after the line breaks in the middle, and after "later"', async () => {
    let cuts = 0;
    index.before = (request, response) => {
      if (!request.url?.startsWith('/files/') || cuts >= 2) return false;
      cuts += 1;
      if (cuts === 2) {
        response.writeHead(503).end();
        return true;
      }
      const bytes = small.wheels.get(request.url.slice('/files/ab/'.length)) ?? Buffer.alloc(0);
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 50_000), () => response.destroy());
      return true;
    };
    await install();
    const ranges = index.asked.filter((one) => one.path.startsWith('/files/')).map((one) => one.range);
    expect(ranges.slice(0, 3)).toEqual([undefined, 'bytes=50000-', 'bytes=50000-']);
  });
});

describe('what an index must not do', () => {
  test('other bytes under the right name are refused, and kept by nobody', async () => {
    index.before = (request, response) => {
      if (!request.url?.startsWith('/files/')) return false;
      const bytes = Buffer.from(small.wheels.get(request.url.slice('/files/ab/'.length)) ?? Buffer.alloc(0));
      bytes[100] = (bytes[100] ?? 0) ^ 1;
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      return true;
    };
    await expect(install()).rejects.toMatchObject({ code: 'provider.wheel-wrong', owner: 'trust' });
    expect(await installedPacks(dir)).toEqual([]);
    expect(await readdir(join(dir, 'downloads'))).toEqual([]);
  });

  test('more bytes than there should be end the download', async () => {
    index.before = (request, response) => {
      if (!request.url?.startsWith('/files/')) return false;
      response.writeHead(200);
      const more = () => response.write(Buffer.alloc(100_000)) && setImmediate(more);
      response.on('drain', more);
      more();
      return true;
    };
    await expect(install()).rejects.toMatchObject({ code: 'provider.wheel-wrong' });
  });

  test('sending us to a place without TLS is not followed', async () => {
    index.before = (request, response) => {
      if (!request.url?.startsWith('/files/')) return false;
      response.writeHead(302, { location: 'http://127.0.0.2:9/evil.whl' }).end();
      return true;
    };
    await expect(install()).rejects.toMatchObject({ code: 'provider.wrong-place', owner: 'network' });
  });

  test('an endless chain of redirects ends', async () => {
    index.before = (request, response) => {
      response.writeHead(302, { location: `${request.url ?? ''}x` }).end();
      return true;
    };
    await expect(install()).rejects.toMatchObject({ code: 'provider.wrong-place' });
  });

  test('an index without the wheel, or that is none, is told apart', async () => {
    index.before = (_request, response) => {
      response.writeHead(404).end();
      return true;
    };
    await expect(install()).rejects.toMatchObject({ code: 'provider.not-published' });
    index.before = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>Log in first</html>');
      return true;
    };
    await expect(install()).rejects.toMatchObject({ code: 'provider.wrong-answer' });
  });
});

describe('without a network', () => {
  test('a pack file made elsewhere installs the same pack', async () => {
    const file = join(work.dir, 'cuda.pack');
    await fetchPack(small.pack, file, { dir: join(work.dir, 'elsewhere'), clock: systemClock, source: { index: index.url } });
    // The file is what was wanted: what it was made of does not stay.
    expect((await readdir(join(work.dir, 'elsewhere'))).filter((name) => !name.startsWith('install.lock'))).toEqual([]);
    const asked = index.asked.length;
    const pack = await install({ source: { from: file } });
    expect(await verifyPack(pack)).toEqual([]);
    expect(index.asked.length).toBe(asked);
  });

  test('a folder with the wheels does too, and stays as it is', async () => {
    const from = join(work.dir, 'wheels');
    await mkdir(from);
    await small.writeTo(from);
    await install({ source: { from } });
    expect((await readdir(from)).length).toBe(2);
    expect(await installedPacks(dir)).toHaveLength(1);
  });

  test.each([
    ['a wheel that was altered', async (from: string, file: string) => writeFile(join(from, file), Buffer.alloc(10)), 'provider.wheel-wrong'],
    ['a wheel that is missing', async (from: string, file: string) => rm(join(from, file)), 'provider.wheel-missing'],
  ])('%s is refused, and nothing is installed', async (_name, spoil, code) => {
    const from = join(work.dir, 'wheels');
    await mkdir(from);
    await small.writeTo(from);
    await spoil(from, small.pack.wheels[1]?.file ?? '');
    await expect(install({ source: { from } })).rejects.toMatchObject({ code });
    expect(await installedPacks(dir)).toEqual([]);
  });

  test('a pack file that was cut is refused', async () => {
    const file = join(work.dir, 'cuda.pack');
    await fetchPack(small.pack, file, { dir: join(work.dir, 'elsewhere'), clock: systemClock, source: { index: index.url } });
    await truncate(file, 100_000);
    await expect(install({ source: { from: file } })).rejects.toMatchObject({ owner: 'input' });
    expect(await installedPacks(dir)).toEqual([]);
  });

  test('a wheel of the right hash that lacks a library is refused whole', async () => {
    small = smallPack({ lacks: 'libvendor.so.13' });
    const from = join(work.dir, 'wheels');
    await mkdir(from);
    await small.writeTo(from);
    await expect(install({ source: { from } })).rejects.toMatchObject({ code: 'provider.wheel-unreadable' });
    expect((await readdir(dir)).filter((name) => !name.startsWith('install.lock'))).toEqual([]);
  });
});

describe('an installed pack', () => {
  test('tells which of its files are no longer what was installed', async () => {
    const pack = await install();
    await writeFile(join(pack.folder, 'libvendor.so.13'), 'something else');
    await rm(join(pack.folder, 'libonnxruntime_providers_cuda.so'));
    await writeFile(join(pack.folder, 'libz.so.1'), 'slipped in');
    expect(await verifyPack(pack)).toEqual([
      { file: 'libonnxruntime_providers_cuda.so', problem: 'is missing' },
      { file: 'libvendor.so.13', problem: 'is not what was installed' },
      { file: 'libz.so.1', problem: 'does not belong here' },
    ]);
  });

  test('goes whole when it is removed, and can be installed again', async () => {
    const pack = await install();
    expect(await removePack(dir, 'cuda')).toBe(pack.bytes);
    expect(await installedPacks(dir)).toEqual([]);
    await expect(removePack(dir, 'cuda')).rejects.toMatchObject({ code: 'provider.not-installed', owner: 'usage' });
    await install();
    expect(await installedPacks(dir)).toHaveLength(1);
  });

  test('whose note was spoiled is none, and is put right by installing', async () => {
    const pack = await install();
    await writeFile(join(pack.folder, 'pack.json'), (await readFile(join(pack.folder, 'pack.json'), 'utf8')).slice(0, 40));
    expect(await installedPacks(dir)).toEqual([]);
    expect(await verifyPack(await install())).toEqual([]);
  });

  test('what a kill left of an installation is swept by the next', async () => {
    await mkdir(join(dir, '.tmp-cuda-1'), { recursive: true });
    await writeFile(join(dir, '.tmp-cuda-1', 'libvendor.so.13'), 'half');
    await install();
    expect((await readdir(dir)).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  });

  test('two installations at once: one installs, and the other finds it there', async () => {
    const [one, two] = await Promise.all([install(), install()]);
    expect(two).toEqual(one);
    expect(index.asked.filter((entry) => entry.path.startsWith('/files/'))).toHaveLength(2);
  });
});
