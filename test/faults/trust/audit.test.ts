import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#core/platform';
import { AuditLog, openKeyring, verifyLog } from '#core/trust';

const CHILD = fileURLToPath(new URL('audit-child.ts', import.meta.url));

let dir: string;
const running = new Set<ChildProcess>();
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-auditfault-'));
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
});

interface Writer {
  child: ChildProcess;
  /** Numbers of the lines it was told are durable. */
  seqs: number[];
  ended: Promise<string>;
}

function writer(name: string): Writer {
  const child = spawn(process.execPath, [CHILD, dir, name], { env: { PATH: process.env.PATH, TMPDIR: tmpdir(), EDGEWRIGHT_KEY_STORE: 'file' } });
  running.add(child);
  const seqs: number[] = [];
  let rest = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    seqs.push(...lines.map(Number));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<string>((resolve) =>
    child.once('close', () => {
      running.delete(child);
      resolve(stderr);
    }),
  );
  return { child, seqs, ended };
}

test('several processes that are killed while they add leave one unbroken, signed chain with every line they were told of', async () => {
  const keyring = await openKeyring(join(dir, 'keys'));
  for (let round = 0; round < 4; round++) {
    const writers = ['a', 'b', 'c'].map(writer);
    // Each dies at another moment: in the middle of whatever it does then.
    for (const [i, { child, seqs }] of writers.entries()) {
      await expect.poll(() => seqs.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(5 + 7 * i + round);
      child.kill('SIGKILL');
    }
    for (const one of writers) expect(await one.ended).toBe('');
    const log = new AuditLog({ path: join(dir, 'audit.db'), archive: join(dir, 'audit'), keyring, clock: systemClock });
    const verdict = await verifyLog(log);
    expect(verdict).toMatchObject({ unsigned: 0 });
    expect(verdict.problem).toBeUndefined();
    const all = writers.flatMap((one) => one.seqs);
    expect(new Set(all).size).toBe(all.length);
    expect(Math.max(...all)).toBeLessThanOrEqual(verdict.lines);
    for (const { seqs, child } of writers) {
      const [last = 0] = seqs.slice(-1);
      const line = log.list({ before: last + 1, limit: 1 })[0];
      expect(line?.seq, `of process ${child.pid}`).toBe(last);
    }
    log.close();
  }
});
