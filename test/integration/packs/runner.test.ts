/** Only child processes load a pack, and they do from its own folder. */
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { onnxRuntimeInstall } from '#core/hardware';
import { installPack, packLibraryFolders } from '#core/packs';
import { programRoot, setLibraryFolders, systemClock } from '#core/platform';
import { startRunner } from '#core/runtime';
import { throwAwayDir } from '../../lib/cli.ts';
import { smallPack } from './small-pack.ts';

const linux = process.platform === 'linux' && process.arch === 'x64';
const model = join(programRoot(), 'assets', 'sample-bundle', 'model.onnx');

afterEach(() => setLibraryFolders([]));

describe.skipIf(!linux)('a runner with a pack (Linux on x64; elsewhere there is none)', () => {
  test('takes the provider libraries from the folder of the pack, and the CPU still works', async () => {
    const work = await throwAwayDir('pack-runner');
    const dir = join(work.dir, 'providers');
    try {
      const small = smallPack();
      await small.writeTo(work.dir);
      const pack = await installPack(small.pack, { dir, clock: systemClock, source: { from: work.dir } });
      const ort = onnxRuntimeInstall();
      const folders = await packLibraryFolders(dir, ort);
      expect(folders).toEqual([pack.folder]);
      expect(await readlink(join(pack.folder, 'libonnxruntime.so.1'))).toBe(join(ort.dir, 'libonnxruntime.so.1'));
      setLibraryFolders(folders);
      const runner = await startRunner({ threads: 1 });
      try {
        // The pack's library is none: the loader's own words prove that it was looked at, there and nowhere else.
        await expect(runner.load({ path: model, providers: ['cuda'] })).rejects.toMatchObject({
          code: 'runtime.provider-failed',
          found: expect.stringContaining(join(pack.folder, 'libonnxruntime_providers_shared.so')) as string,
        });
        await runner.load({ path: model, providers: ['cpu'] });
      } finally {
        await runner.close();
      }
    } finally {
      await work.remove();
    }
  });

  test('a pack for another ONNX Runtime is not used', async () => {
    const work = await throwAwayDir('pack-other');
    try {
      const small = smallPack();
      await small.writeTo(work.dir);
      await installPack({ ...small.pack, onnxruntime: '1.0.0' }, { dir: join(work.dir, 'providers'), clock: systemClock, source: { from: work.dir } });
      expect(await packLibraryFolders(join(work.dir, 'providers'), onnxRuntimeInstall())).toEqual([]);
    } finally {
      await work.remove();
    }
  });
});
