import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashTree, readStamp, writeStamp } from '../../../boot/stamp.cjs';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgewright-stamp-'));
  mkdirSync(join(dir, 'src', 'deep'), { recursive: true });
  writeFileSync(join(dir, 'src', 'a.ts'), 'one');
  writeFileSync(join(dir, 'src', 'deep', 'b.ts'), 'two');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const hash = (extra: string[] = []) => hashTree(dir, ['src', 'missing'], extra);

test('the same files give the same hash, whatever was made beside them', () => {
  const before = hash();
  for (const made of ['node_modules', 'build', 'dist']) {
    mkdirSync(join(dir, 'src', made));
    writeFileSync(join(dir, 'src', made, 'x'), 'made');
  }
  writeFileSync(join(dir, 'src', '.hidden'), 'x');
  expect(hash()).toBe(before);
});

test.each<[string, () => void]>([
  ['a changed file', () => writeFileSync(join(dir, 'src', 'a.ts'), 'One')],
  ['a new file', () => writeFileSync(join(dir, 'src', 'c.ts'), '')],
  ['a file that is gone', () => rmSync(join(dir, 'src', 'a.ts'))],
  ['a path that was missing', () => writeFileSync(join(dir, 'missing'), '')],
  [
    'content that moved from one file to the next',
    () => {
      writeFileSync(join(dir, 'src', 'a.ts'), 'on');
      writeFileSync(join(dir, 'src', 'deep', 'b.ts'), 'etwo');
    },
  ],
])('%s gives another hash', (_name, change) => {
  const before = hash();
  change();
  expect(hash()).not.toBe(before);
});

test('what else the result depends on counts too', () => {
  expect(hash(['linux', 'x64'])).not.toBe(hash(['linux', 'arm64']));
});

test('a stamp is read back as written, and one that is not there is undefined', () => {
  const path = join(dir, 'new', 'folder', '.stamp');
  expect(readStamp(path)).toBeUndefined();
  writeStamp(path, 'abc');
  expect(readStamp(path)).toBe('abc');
});
