import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { sweep } from './keyring-sweep.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-keyfault-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test.each([
  ['old', 'first', 'keychain'],
  ['plain', 'keychain', 'keychain'],
  ['keychain', 'plain', 'plain'],
  ['keychain', 'keychain', 'keychain'],
  ['plain', 'passphrase', 'passphrase'],
  ['passphrase', 'plain', 'plain'],
] as const)('keys kept as %s that are killed at any step of "%s" are still the same keys', (kept, to, ends) => sweep(dir, kept, to, ends));
