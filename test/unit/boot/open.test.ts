import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { failedLately, reason } from '../../../boot/electron-binary.ts';
import { opener, redirectPage } from '../../../boot/open-browser.ts';

const dir = mkdtempSync(join(tmpdir(), 'edgewright-open-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each(['linux', 'darwin', 'win32'] as const)('on %s the browser is given our page, not the link', (platform) => {
  const { args } = opener(platform, join(dir, 'open.html'));
  expect(args.join(' ')).toMatch(/file:\/\/.*open\.html$/);
});

test('the page leads to the link, whatever characters that holds', () => {
  expect(redirectPage('http://127.0.0.1:4000/#tok-en_1')).toContain('content="0; url=http://127.0.0.1:4000/#tok-en_1"');
  expect(redirectPage('http://127.0.0.1:1/#"><script>&')).not.toMatch(/<script>/);
});

test('a failed fetch of Electron is not tried again for a day', () => {
  const note = join(dir, 'note');
  const at = Date.parse('2026-01-02T03:04:05Z');
  expect(failedLately(note, at)).toBe(false);
  writeFileSync(note, '2026-01-02T00:00:00.000Z\nwhy');
  expect(failedLately(note, at)).toBe(true);
  expect(failedLately(note, at + 24 * 3600_000)).toBe(false);
  writeFileSync(note, 'garbage');
  expect(failedLately(note, at)).toBe(false);
});

test('why it failed, in one line', () => {
  expect(reason({ output: 'x\nError: getaddrinfo ENOTFOUND host\n  at y', timedOut: false })).toBe('Error: getaddrinfo ENOTFOUND host');
  expect(reason({ output: '', timedOut: false })).toBe('no reason given');
  expect(reason({ output: '', timedOut: true })).toMatch(/10 minutes/);
});
