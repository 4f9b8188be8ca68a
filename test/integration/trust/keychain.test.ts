/** The real keychain of a Linux desktop, in a session of its own, and what stands in its place when it is broken. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openKeyring, systemKeychain } from '#core/trust';
import { ROOT } from '../../lib/cli.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-chain-'));
});
afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));

const linux = process.platform === 'linux';

describe.skipIf(!linux)('a message bus', () => {
  test('that is not there costs no time, and new keys go to a file', async () => {
    const keychain = systemKeychain({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(dir, 'nothing')}` });
    await expect(keychain?.get('x')).rejects.toMatchObject({ code: 'machine.keychain', owner: 'machine' });
    expect(await openKeyring(join(dir, 'keys'), { store: 'auto', keychain })).toMatchObject({ protection: 'plain', unlocked: true });
  });

  test('that takes connections and never answers is given up on, and the child that asked is gone', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => {}).resume()));
    const path = join(dir, 'bus');
    await new Promise<void>((listening) => server.listen(path, listening));
    try {
      const keychain = systemKeychain({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` });
      expect(await openKeyring(join(dir, 'keys'), { store: 'auto', keychain })).toMatchObject({ protection: 'plain' });
      expect(sockets.size).toBeGreaterThan(0);
      await expect.poll(() => [...sockets].every((socket) => socket.destroyed), { timeout: 5_000 }).toBe(true);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});

const daemon = linux ? found('gnome-keyring-daemon') : undefined;
const session = linux ? found('dbus-run-session') : undefined;
const why = daemon && session ? '' : ' (skipped: needs gnome-keyring-daemon and dbus-run-session, Debian packages gnome-keyring and dbus)';

describe.skipIf(!daemon || !session)(`a real Secret Service${why}`, () => {
  test('holds the key to new keys, in a process of its own each time, and gives it back to no session without it', async () => {
    const home = join(dir, 'home');
    const runtime = join(dir, 'run');
    await mkdir(home);
    await mkdir(runtime, { mode: 0o700 });
    const keys = join(dir, 'keys');
    const script = `
      import { openKeyring } from '#core/trust';
      const say = (k) => console.log(k.protection, k.unlocked, k.fingerprint);
      const first = await openKeyring(${JSON.stringify(keys)}, { store: 'auto' }); say(first);
      const second = await openKeyring(${JSON.stringify(keys)}); say(second); await second.unlock(); say(second);
      await second.keep('plain'); say(await openKeyring(${JSON.stringify(keys)}));
      await second.keep('keychain'); say(await openKeyring(${JSON.stringify(keys)}));`;
    const start = `printf pw | "$0" --unlock --components=secrets >/dev/null 2>&1; exec "$@"`;
    const said = await output(session ?? '', ['--', 'sh', '-c', start, daemon ?? '', process.execPath, '--input-type=module', '-e', script], {
      PATH: process.env.PATH ?? '',
      HOME: home,
      XDG_RUNTIME_DIR: runtime,
      ...(process.env.EDGEWRIGHT_TEST_LIBRARIES && { LD_LIBRARY_PATH: process.env.EDGEWRIGHT_TEST_LIBRARIES }),
    });
    const lines = said.trim().split('\n');
    const fingerprint = lines[0]?.split(' ')[2] ?? '';
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(lines.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'keychain true',
      'keychain false',
      'keychain true',
      'plain true',
      'keychain false',
    ]);
    expect(new Set(lines.map((line) => line.split(' ')[2]))).toEqual(new Set([fingerprint]));
    expect(await readFile(join(keys, 'keyring.json'), 'utf8')).not.toContain('PRIVATE KEY');
    const outside = await openKeyring(keys, { keychain: undefined });
    await expect(outside.unlock()).rejects.toMatchObject({ code: 'machine.no-keychain' });
  });
});

function found(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path) && runs(path));
}

function runs(path: string): boolean {
  try {
    execFileSync(path, ['--version'], {
      stdio: 'ignore',
      timeout: 10_000,
      env: { ...process.env, ...(process.env.EDGEWRIGHT_TEST_LIBRARIES && { LD_LIBRARY_PATH: process.env.EDGEWRIGHT_TEST_LIBRARIES }) },
    });
    return true;
  } catch {
    return false;
  }
}

function output(program: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, killSignal: 'SIGKILL' });
    let out = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`exit ${code}: ${complaint}`))));
  });
}
