/** Backups that must not be taken, and backups under an engine that works. */
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLocalClient, restoreWorkspace } from '#engine';
import { unknownIn } from '../../../app/engine/backup/contents.ts';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const SAMPLE = join(ROOT, 'assets', 'sample-bundle');
const PASSPHRASE = 'four words for a backup';

let dir: string;
let remove: () => Promise<void>;
let home: string;
let backup: string;
let passphraseFile: string;
beforeAll(async () => {
  ({ dir, remove } = await throwAwayDir('backup'));
  home = join(dir, 'home');
  backup = join(dir, 'backup.age');
  passphraseFile = join(dir, 'passphrase');
  await writeFile(passphraseFile, PASSPHRASE, { mode: 0o600 });
  // An engine that works on the workspace all the while.
  const local = await openLocalClient({ home, hold: true });
  try {
    await local.client.bundles.build({ dir: SAMPLE });
    let stop = false;
    const busy = (async () => {
      for (let i = 0; !stop; i++) {
        await local.client.system.saveSettings({ watchSeconds: i % 1000 });
        await new Promise((others) => setTimeout(others, 2));
      }
      return true;
    })();
    const done = await local.client.workspace.backup({ path: backup, passphrase: PASSPHRASE });
    stop = true;
    expect(await busy).toBe(true);
    expect(done).toMatchObject({ file: backup, altered: [] });
  } finally {
    await local.close();
  }
});
afterAll(() => remove());

let counter = 0;
const place = () => join(dir, `place-${counter++}`);
const restore = (file: string, to: string, more: { passphrase?: string; replace?: boolean } = {}) =>
  restoreWorkspace({ home: to, file, passphrase: PASSPHRASE, replace: false, actor: 'test', ...more });

test('everything that lies in a workspace is known to the backup', async () => {
  expect(await unknownIn(home)).toEqual([]);
});

test('made while an engine worked, it is whole, and nothing secret can be seen in it', async () => {
  const to = place();
  expect(await restore(backup, to)).toMatchObject({ bundles: [{ name: 'digits', state: 'sound' }], warnings: [] });
  expect((await cli(['audit', 'verify', '--json'], { home: to })).json()).toMatchObject({ ok: true });
  const bytes = await readFile(backup, 'latin1');
  expect(bytes).not.toMatch(/PRIVATE|keyring|digits|sqlite/i);
  expect(existsSync(join(home, 'temp')) ? await readdir(join(home, 'temp')) : []).toEqual([]);
});

describe('nothing is written', () => {
  test.each<[string, (file: string) => Promise<unknown>, string]>([
    ['with a byte altered near the start', (file) => flip(file, 300), 'trust.backup-altered'],
    ['with a byte altered in the middle', (file) => flip(file, 150_000), 'trust.backup-altered'],
    ['with its last byte altered', (file) => flip(file, -1), 'trust.backup-altered'],
    ['that is cut off', async (file) => truncate(file, (await readFile(file)).length - 1), 'trust.backup-altered'],
    ['of which whole pieces are gone', (file) => truncate(file, 200 + 2 * (65_536 + 16)), 'trust.backup-altered'],
    ['with something added', (file) => appendFile(file, 'x'), 'trust.backup-altered'],
    ['that is none', (file) => writeFile(file, 'a text'), 'trust.not-encrypted'],
    ['that is empty', (file) => writeFile(file, ''), 'trust.backup-altered'],
  ])('from a file %s', async (_what, spoil, code) => {
    const file = join(dir, `spoilt-${counter}.age`);
    await writeFile(file, await readFile(backup));
    await spoil(file);
    const to = place();
    await expect(restore(file, to)).rejects.toMatchObject({ code, owner: 'trust' });
    expect((await readdir(dir)).filter((name) => name.startsWith(to.slice(dir.length + 1)))).toEqual([]);
  });

  test('with a wrong passphrase, and the command says so with exit 5', async () => {
    const wrong = join(dir, 'wrong');
    await writeFile(wrong, 'another passphrase', { mode: 0o600 });
    const to = place();
    const result = await cli(['workspace', 'restore', backup, '--passphrase-file', wrong, '--json'], { home: to });
    expect(result.code).toBe(5);
    expect(result.json()).toMatchObject({ ok: false, error: { code: 'trust.wrong-passphrase' } });
    expect(existsSync(to)).toBe(false);
  });

  test('where a workspace is already, unless it is to be moved aside, and then it is all still there', async () => {
    const to = place();
    await mkdir(to);
    await writeFile(join(to, 'something'), 'of mine');
    await expect(restore(backup, to)).rejects.toMatchObject({ code: 'usage.workspace-there', owner: 'usage' });
    const { aside = '' } = await restore(backup, to, { replace: true });
    expect(await readFile(join(aside, 'something'), 'utf8')).toBe('of mine');
    expect((await cli(['bundle', 'list', '--json'], { home: to })).json()).toMatchObject({ bundles: [{ name: 'digits' }] });
    // An empty folder is nobody's.
    const empty = place();
    await mkdir(empty);
    expect(await restore(backup, empty)).toMatchObject({ warnings: [] });
  });

  test('in the place of a workspace that an engine works on', async () => {
    const to = place();
    const local = await openLocalClient({ home: to, hold: true });
    try {
      await expect(restore(backup, to, { replace: true })).rejects.toMatchObject({ code: 'machine.busy', owner: 'machine' });
      expect(await local.client.bundles.list()).toEqual([]);
    } finally {
      await local.close();
    }
  });
});

test('a blob that had rotted does not keep the rest from being saved, and is named on both sides', async () => {
  const to = place();
  await restore(backup, to);
  const blobs = join(to, 'store', 'blobs', 'sha256');
  const names = await readdir(blobs);
  const sizes = await Promise.all(names.map(async (name) => (await readFile(join(blobs, name))).length));
  const largest = names[sizes.indexOf(Math.max(...sizes))] ?? '';
  await flip(join(blobs, largest), 100);
  const local = await openLocalClient({ home: to });
  const file = join(dir, 'rotten.age');
  try {
    expect(await local.client.workspace.backup({ path: file, passphrase: PASSPHRASE })).toMatchObject({ altered: [`sha256:${largest}`] });
  } finally {
    await local.close();
  }
  const again = place();
  const done = await restore(file, again);
  expect(done.warnings.join()).toContain(largest);
  expect(done.bundles).toMatchObject([{ name: 'digits', state: expect.stringMatching(/incomplete|quarantined/) }]);
});

test('keys that a passphrase locked are locked again, by that of the backup', async () => {
  const to = place();
  await restore(backup, to);
  const env = { EDGEWRIGHT_PASSPHRASE_FILE: passphraseFile };
  expect((await cli(['workspace', 'keys', '--set-passphrase', '--passphrase-file', passphraseFile], { home: to })).code).toBe(0);
  const file = join(dir, 'locked.age');
  const without = await cli(['workspace', 'backup', file, '--passphrase-file', passphraseFile, '--json'], { home: to });
  expect(without.code).toBe(6);
  expect(without.json()).toMatchObject({ error: { code: 'machine.keys-locked' } });
  expect((await cli(['workspace', 'backup', file, '--passphrase-file', passphraseFile], { home: to, env })).code).toBe(0);
  const again = place();
  expect(await restore(file, again)).toMatchObject({ keyStore: 'a file locked by a passphrase' });
  expect(await readFile(join(again, 'keys', 'keyring.json'), 'utf8')).not.toContain('PRIVATE KEY');
  expect((await cli(['bundle', 'remove', 'digits@1.0.0'], { home: again, env })).code).toBe(0);
});

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 0x20;
  await writeFile(path, bytes);
}
