/** What code in the sandbox can and cannot do, asked from the inside by a shell. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SANDBOXES } from '../../../app/core/convert/sandbox.ts';
import { runCommand } from '#core/platform';

const dir = mkdtempSync(join(tmpdir(), 'edgewright-sandbox-'));
const out = join(dir, 'out');
const secret = join(dir, 'secret.txt');
const readable = join(dir, 'readable');
let server: Server;
let port = 0;

beforeAll(async () => {
  for (const path of [out, `${out}.root`, readable]) mkdirSync(path);
  writeFileSync(secret, 'secret');
  writeFileSync(join(readable, 'library.txt'), 'library');
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
});

afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

function inside(kind: (typeof SANDBOXES)[number], script: string, signal?: AbortSignal) {
  const request = { readable: [readable], source: { path: secret, name: 'model.pkl' }, out, command: ['/bin/bash', '-c', script] };
  return runCommand({ command: kind.program, args: kind.wrap(request), env: { PATH: process.env.PATH ?? '', SECRET: 'leaked' }, timeoutMs: 30_000, signal });
}

function works(program: string): boolean {
  try {
    const args =
      program === 'bwrap' ? ['--unshare-all', '--ro-bind', '/', '/', 'true'] : ['--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', 'true'];
    execFileSync(program, args, { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

for (const kind of SANDBOXES.filter((one) => one.platform === 'linux')) {
  const there = process.platform === 'linux' && works(kind.program);
  describe.skipIf(!there)(`${kind.program}${there ? '' : ': skipped, it cannot make a sandbox on this machine'}`, () => {
    it('shows the source and what was named, and nothing else of this computer', async () => {
      const end = await inside(
        kind,
        `cat /source/model.pkl ${readable}/library.txt; ls -A ${homedir()} ${dir} / /etc; cat ${secret} || echo hidden; id -u >/dev/null`,
      );
      expect(end.said).toContain('secretlibrary');
      expect(end.said).toContain('hidden');
      expect(end.said).not.toMatch(/\b(passwd|shadow|hostname|boot|sys)\b/);
    });

    it('has no network, not even this computer’s own', async () => {
      const end = await inside(kind, `exec 3<>/dev/tcp/127.0.0.1/${port} && echo connected`);
      expect(end.code).not.toBe(0);
      expect(end.said).not.toContain('connected');
    });

    it('writes to its result folder and nowhere else', async () => {
      const end = await inside(kind, `echo made > /out/made; for f in /usr/x ${readable}/x /source/x; do echo x > $f && echo WROTE $f; done; exit 0`);
      expect(end.said).not.toContain('WROTE');
      expect(readFileSync(join(out, 'made'), 'utf8')).toBe('made\n');
      expect(existsSync(join(readable, 'x'))).toBe(false);
    });

    it('knows nothing of our environment and our processes, and cannot get rights back', async () => {
      const end = await inside(
        kind,
        `env; ls /proc | grep -c '^[0-9]'; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; mount -o remount,rw,bind ${readable} && echo REMOUNTED; exit 0`,
      );
      expect(end.said).not.toContain('leaked');
      expect(end.said).not.toContain('REMOUNTED');
      expect(end.said).toMatch(/CapEff:\s+0000000000000000/);
      expect(end.said).toMatch(/CapBnd:\s+0000000000000000/);
      expect(end.said).toMatch(/NoNewPrivs:\s+1/);
    });

    it('ends with everything in it when it is cancelled', async () => {
      const mark = `edgewright-${process.pid}-${kind.program}`;
      const abort = new AbortController();
      const running = inside(kind, `exec -a ${mark} sleep 300`, abort.signal);
      const seen = () =>
        execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
          .split('\n')
          .some((line) => line.startsWith(mark));
      await expect.poll(seen, { timeout: 20_000 }).toBe(true);
      abort.abort();
      expect(await running).toMatchObject({ stopped: 'cancelled' });
      await expect.poll(seen, { timeout: 5_000 }).toBe(false);
    });
  });
}
