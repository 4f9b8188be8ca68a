import { describe, expect, it } from 'vitest';
import { runCommand } from '#core/platform';

const node = (script: string, more: Partial<Parameters<typeof runCommand>[0]> = {}) =>
  runCommand({ command: process.execPath, args: ['-e', script], env: {}, timeoutMs: 20_000, ...more });

describe('another program', () => {
  it('is heard line by line, and what it said is kept', async () => {
    const lines: string[] = [];
    const end = await node('console.log("one"); console.log("two"); console.error("three"); process.exitCode = 7', { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['one', 'two']);
    expect(end).toMatchObject({ code: 7, stopped: undefined });
    expect(end.said).toContain('three');
  });

  it('that cannot be started is an answer, not an exception', async () => {
    expect(await runCommand({ command: '/no/such/program', args: [], env: {}, timeoutMs: 1000 })).toMatchObject({ code: null, failedToStart: true });
  });

  it('that never ends is stopped', async () => {
    expect(await node('setInterval(() => {}, 1000)', { timeoutMs: 300 })).toMatchObject({ stopped: 'timeout' });
  });

  it('is stopped with what it started', async () => {
    let pid = 0;
    const end = await node(
      'const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]); console.log(c.pid); setInterval(() => {}, 1000)',
      {
        timeoutMs: 3000,
        onLine: (line) => {
          pid = Number(line);
        },
      },
    );
    expect(end.stopped).toBe('timeout');
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => alive(pid), { timeout: 5000 }).toBe(false);
  });

  it.skipIf(process.platform !== 'linux')('that takes too much memory is stopped', async () => {
    const end = await node('const all = []; setInterval(() => all.push(Buffer.alloc(32 << 20, 1)), 20)', { maxMemoryBytes: 300 * 1024 * 1024 });
    expect(end.stopped).toBe('memory');
  });

  it('keeps no more than a bounded part of what it said', async () => {
    const end = await node('for (let i = 0; i < 2000; i++) console.error("x".repeat(1000))');
    expect(end.said.length).toBeLessThanOrEqual(64 * 1024);
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
