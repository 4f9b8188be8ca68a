import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepare, run, sweep } from './keyring-sweep.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-keyfault-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Around the entry in the keychain, and where the file is replaced. */
const telling = (step: string) => /^(rename|sync) |entries/.test(step);

test.each([
  ['old', 'first', 'keychain'],
  ['keychain', 'plain', 'plain'],
] as const)('keys kept as %s that are killed at a telling step of "%s" are still the same keys', (kept, to, ends) => sweep(dir, kept, to, ends, telling));

test('a disk that fills up at any step changes nothing', async () => {
  const { from, fingerprint } = await prepare(dir, 'plain');
  const before = await readFile(join(from, 'keys', 'keyring.json'), 'utf8');
  for (let at = 1; at <= 4; at++) {
    const failed = await run(from, 'passphrase', { FAULT_AT: String(at), FAULT_KIND: 'full' });
    if (failed.said !== '') break;
    expect(failed.stderr).toContain('ENOSPC');
    expect(await readFile(join(from, 'keys', 'keyring.json'), 'utf8')).toBe(before);
    expect((await readdir(join(from, 'keys'))).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  }
  expect((await run(from, '')).said).toBe(`${fingerprint} plain`);
});
