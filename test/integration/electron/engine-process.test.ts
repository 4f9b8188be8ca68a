import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseReadyLine, startEngineProcess } from '../../../app/electron/engine-process.ts';

const dir = mkdtempSync(join(tmpdir(), 'edgewright-engine-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let count = 0;
/** A child that does as the script says, in the engine's place. */
function start(script: string, options: { readyMs?: number; stopMs?: number; env?: NodeJS.ProcessEnv; onLine?: (line: string) => void } = {}) {
  const entry = join(dir, `engine-${count++}.mjs`);
  writeFileSync(entry, script);
  return startEngineProcess({ node: process.execPath, entry, env: process.env, ...options });
}

const LINK = 'http://127.0.0.1:4321/#abc_DEF-1';
const SAYS_READY = `console.log('Edgewright ready: ${LINK}');`;

test.each([
  [`Edgewright ready: ${LINK}`, LINK],
  [`Edgewright ready: ${LINK}\r`, LINK],
  ['Edgewright ready: http://evil.test:80/#x', undefined],
  ['Edgewright ready: http://127.0.0.1:80/', undefined],
  [`x Edgewright ready: ${LINK}`, undefined],
  ['', undefined],
])('%j', (line, link) => expect(parseReadyLine(line)).toBe(link));

test('the link is read from its stdout, and it ends when asked to', async () => {
  const lines: string[] = [];
  const engine = start(`process.on('SIGTERM', () => process.exit(0)); console.log('hello'); ${SAYS_READY} setInterval(() => {}, 1000);`, {
    onLine: (line) => lines.push(line),
  });
  expect(await engine.ready).toBe(LINK);
  expect(lines).toEqual(['hello', `Edgewright ready: ${LINK}`]);
  await engine.stop();
  expect(await engine.ended).toBe(0);
  await engine.stop();
});

test('one that will not end is killed', async () => {
  const engine = start(`process.on('SIGTERM', () => {}); ${SAYS_READY} setInterval(() => {}, 1000);`, { stopMs: 50 });
  await engine.ready;
  await engine.stop();
  expect(await engine.ended).not.toBe(0);
});

test('a second engine says the first one’s link and ends well', async () => {
  const engine = start(SAYS_READY);
  expect(await engine.ready).toBe(LINK);
  expect(await engine.ended).toBe(0);
});

test('one that cannot start says why, with its exit code', async () => {
  const engine = start("process.stderr.write('The workspace is busy.\\n'); process.exit(6);");
  await expect(engine.ready).rejects.toMatchObject({ message: 'The workspace is busy.', exitCode: 6 });
});

test('one that never gets ready is killed', async () => {
  const engine = start('setInterval(() => {}, 1000);', { readyMs: 100 });
  await expect(engine.ready).rejects.toThrow('in time');
  expect(await engine.ended).not.toBe(0);
});

test('a Node that is not there is said', async () => {
  const engine = startEngineProcess({ node: join(dir, 'no-node'), entry: 'x', env: {} });
  await expect(engine.ready).rejects.toThrow('ENOENT');
  await engine.stop();
});

test('Electron’s switches are kept from it', async () => {
  const lines: string[] = [];
  const engine = start(`console.log(Object.keys(process.env).filter((name) => name.startsWith('ELECTRON')).length); ${SAYS_READY}`, {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ELECTRON_NO_ASAR: '1' },
    onLine: (line) => lines.push(line),
  });
  await engine.ready;
  expect(lines[0]).toBe('0');
});
