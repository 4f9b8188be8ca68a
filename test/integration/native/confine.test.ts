/** What a process can still do once it has given up its rights, and what it cannot. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { spawnNode } from '#core/platform';
import { loadNative } from '#native';

const there = loadNative() !== undefined && process.platform === 'linux';
const dir = mkdtempSync(join(tmpdir(), 'edgewright-confine-'));
const other = spawn('sleep', ['60']);
const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
const socketFile = createServer((socket) => socket.destroy()).listen(join(dir, 'socket'));
afterAll(() => {
  other.kill();
  server.close();
  socketFile.close();
  rmSync(dir, { recursive: true, force: true });
});

async function tried(options: { write: boolean; confinable?: boolean }): Promise<Record<string, unknown>> {
  for (const one of [server, socketFile]) if (!one.listening) await once(one, 'listening');
  for (const name of ['there', 'read-me']) writeFileSync(join(dir, name), 'text');
  const { port } = server.address() as { port: number };
  const args = JSON.stringify({ dir, port, other: other.pid, write: options.write });
  const child = spawnNode(join(import.meta.dirname, 'confined-child.ts'), [args], { confinable: options.confinable ?? true });
  const said = await text(child.process.stdio[4] as Readable);
  expect(await child.ended, child.stderr()).toMatchObject({ code: 0 });
  return JSON.parse(said) as Record<string, unknown>;
}

const REFUSED_ALWAYS = { connect: 'EACCES', socketFile: 'EACCES', program: 'EACCES', signalOther: 'EACCES' };
const STILL_DONE = { askOther: 'did it', read: 'did it', newThread: 'did it', timers: 'did it', threadPool: 'did it' };

describe.runIf(there)(`a process that gave up its rights${there ? '' : ' (not run: no addon, or not Linux)'}`, () => {
  it('reaches nobody and changes nothing, from any of its threads; it still reads, computes and makes threads', async () => {
    expect(await tried({ write: false })).toEqual({
      confined: true,
      ring: false,
      ...REFUSED_ALWAYS,
      ...STILL_DONE,
      create: 'EACCES',
      change: 'EACCES',
      rename: 'EACCES',
      remove: 'ENOENT',
      folder: 'EACCES',
      otherThread: 'EACCES',
    });
    expect(other.exitCode).toBeNull();
  });

  it('may keep the right to write', async () => {
    const said = await tried({ write: true });
    expect(said).toMatchObject({
      confined: true,
      ring: false,
      ...REFUSED_ALWAYS,
      ...STILL_DONE,
      create: 'did it',
      rename: 'did it',
      folder: 'did it',
      otherThread: 'did it',
    });
  });

  it('does not claim it where io_uring, made before, would lead past it', async () => {
    const said = await tried({ write: false, confinable: false });
    expect(said).not.toMatchObject({ confined: true, ring: true });
    // Where this system has no io_uring for anybody there is nothing that leads past.
    if (said.confined === true) expect(said).toMatchObject({ ...REFUSED_ALWAYS, ...STILL_DONE });
    else expect(said).toMatchObject({ confined: false, connect: 'did it', program: 'did it' });
  });
});
