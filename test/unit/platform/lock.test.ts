import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireLock } from '#core/platform';

test('a lock is let go also where the note beside it cannot be removed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ew-lock-'));
  const path = join(dir, 'store.lock');
  // Neither written nor removed as a file.
  await mkdir(`${path}.holder`);
  await writeFile(join(`${path}.holder`, 'x'), '');
  for (let i = 0; i < 2; i++) {
    const lock = await acquireLock(path, { what: 'testing', waitMs: 0 });
    await expect(acquireLock(path, { what: 'testing too', waitMs: 0 })).rejects.toMatchObject({ code: 'machine.busy', owner: 'machine' });
    await lock.release();
  }
  await rm(dir, { recursive: true, force: true });
});
