import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { neededLibraries } from '../../../app/core/hardware/elf.ts';

const program = '/bin/ls';

describe.runIf(process.platform === 'linux')('the libraries an ELF file needs', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edgewright-elf-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('are those that readelf names', async () => {
    const found = await neededLibraries(program);
    expect(found).toContain('libc.so.6');
    const readelf = spawnSync('readelf', ['-d', program], { encoding: 'utf8' });
    if (readelf.error === undefined) expect(found).toEqual([...readelf.stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1]));
  });

  it('are undefined for anything else', async () => {
    expect(await neededLibraries('/etc/passwd')).toBeUndefined();
    expect(await neededLibraries(join(dir, 'not-there'))).toBeUndefined();
    expect(await neededLibraries(dir)).toBeUndefined();
  });

  it('never throw or hang on a damaged file', async () => {
    const sound = (await readFile(program)).subarray(0, 16 * 1024);
    const path = join(dir, 'damaged.so');
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: sound.length }),
        fc.array(fc.tuple(fc.nat({ max: 1023 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
        async (length, changes) => {
          const bytes = Buffer.from(sound.subarray(0, length));
          for (const [at, value] of changes) if (at > 5 && at < bytes.length) bytes[at] = value;
          await writeFile(path, bytes);
          const found = await neededLibraries(path);
          expect(found === undefined || Array.isArray(found)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
