import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { float32Tensor, goldenRule, makeTensor } from '#core/datasets';
import { isAlive } from '#core/platform';
import { runGolden, startRunner, syntheticFeeds } from '#core/runtime';
import { digits, home, hostile, start, temporary } from './runners.ts';

/** A pid that is gone, or only waits to be collected by a parent that never does. */
function isGone(pid: number): boolean {
  if (!isAlive(pid)) return true;
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));
  } catch {
    return true;
  }
}

const endless = { x: float32Tensor([4], [1, 2, 3, 4]) };

describe('a model that misbehaves harms nobody', () => {
  test('it never ends: it is stopped in time, and so is what waited behind it', async () => {
    const runner = await start();
    await runner.load({ path: hostile('infinite_loop.onnx') });
    const waiting = runner.run(endless).catch((e: unknown) => e);
    const late = runner.run(endless).catch((e: unknown) => e);
    const stop = new AbortController();
    const cancelled = runner.run(endless, { signal: stop.signal });
    stop.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    // Its own turn had not come, so the call before it is still running.
    expect(runner.alive).toBe(true);
    process.kill(runner.pid, 'SIGKILL');
    expect(await waiting).toMatchObject({ code: 'runtime.crashed', owner: 'machine', found: expect.stringContaining('SIGKILL') });
    expect(await late).toMatchObject({ code: 'runtime.stopped' });
  });

  test('a time-out stops it', async () => {
    const runner = await start();
    await runner.load({ path: hostile('infinite_loop.onnx') });
    await expect(runner.run(endless, { timeoutMs: 400 })).rejects.toMatchObject({ code: 'runtime.timeout', expected: 'at most 0.4 s' });
    expect((await runner.ended).error).toMatchObject({ code: 'runtime.timeout' });
    expect(isGone(runner.pid)).toBe(true);
    await expect(runner.run(endless)).rejects.toMatchObject({ code: 'runtime.stopped' });
  });

  test('a deadline of the caller is a time-out, not a cancel', async () => {
    const runner = await start();
    await runner.load({ path: hostile('infinite_loop.onnx') });
    const either = AbortSignal.any([new AbortController().signal, AbortSignal.timeout(100)]);
    await expect(runner.run(endless, { signal: either })).rejects.toMatchObject({ code: 'runtime.timeout', owner: 'machine' });
    await runner.ended;
  });

  test('cancelling stops it, though ONNX Runtime cannot be interrupted', async () => {
    const runner = await start();
    await runner.load({ path: hostile('infinite_loop.onnx') });
    const stop = new AbortController();
    const run = runner.run(endless, { signal: stop.signal }).catch((e: unknown) => e);
    // The second question can only be answered after the first: what is in the pipe is being worked on.
    await new Promise((resolve) => setImmediate(resolve));
    const at = performance.now();
    stop.abort();
    expect(await run).toMatchObject({ code: 'cancelled', owner: 'cancelled' });
    await runner.ended;
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(isGone(runner.pid)).toBe(true);
  });

  test.skipIf(process.platform === 'win32')('a signal meant for the whole group, such as Ctrl-C, does not end it: its parent decides', async () => {
    const runner = await start();
    await runner.load({ path: digits('model.onnx') });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(runner.pid, signal);
    expect(await runGolden(runner, digits('golden.npz'), goldenRule('fp32'))).toMatchObject({ pass: true });
  });

  test('its process dies: the error says how, and the next runner works', async () => {
    const runner = await start();
    await runner.load({ path: digits('model.onnx') });
    process.kill(runner.pid, 'SIGKILL');
    expect(await runner.ended).toMatchObject({ signal: 'SIGKILL', error: { code: 'runtime.crashed' } });
    const next = await start();
    await next.load({ path: digits('model.onnx') });
    expect(await runGolden(next, digits('golden.npz'), goldenRule('fp32'))).toMatchObject({ pass: true });
  });

  test('it asks for a tebibyte at once: the run fails, the runner lives', async () => {
    const runner = await start({ memoryLimitBytes: 400e6 });
    await runner.load({ path: hostile('memory_bomb.onnx') });
    const shape = makeTensor('int64', [3], BigInt64Array.of(16_384n, 4096n, 4096n));
    await expect(runner.run({ x: float32Tensor([1], [0]), shape })).rejects.toMatchObject({ code: 'runtime.memory', owner: 'machine' });
    expect(runner.alive).toBe(true);
  });

  test('it takes more and more memory: it is stopped at its limit', async () => {
    const runner = await start({ memoryLimitBytes: 300e6 });
    expect(runner.enforcement).toMatch(/resident memory watched/);
    await runner.load({ path: hostile('loop_memory_bomb.onnx') });
    await expect(runner.run(endless)).rejects.toMatchObject({ code: 'runtime.memory', expected: 'at most 300000000 bytes' });
  });

  test('a limit below what the runner itself needs is said to be the limit', async () => {
    const outcome = await startRunner({ memoryLimitBytes: 20e6 }).then(
      async (runner) => (await runner.ended).error,
      (error: unknown) => error,
    );
    expect(outcome).toMatchObject({ code: 'runtime.memory' });
  });

  test.skipIf(process.platform === 'win32')('its parent is killed while it is busy: it ends too', async () => {
    const parent = spawn(process.execPath, [join(import.meta.dirname, 'parent.ts'), hostile('infinite_loop.onnx')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isGone(pid)).toBe(false);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    for (let i = 0; i < 600 && !isGone(pid); i++) await wait(50);
    expect(isGone(pid)).toBe(true);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('closing leaves neither process nor files', async () => {
    const runner = await startRunner();
    const { inputs } = await runner.load({ path: digits('model.onnx') });
    await runner.providers(syntheticFeeds(inputs));
    expect(readdirSync(temporary)).toHaveLength(1);
    await runner.close();
    expect(isGone(runner.pid)).toBe(true);
    expect(readdirSync(temporary)).toEqual([]);
    expect((await runner.ended).error).toBeUndefined();
    await expect(runner.run({})).rejects.toMatchObject({ code: 'runtime.closed' });
  });

  test('ONNX Runtime has written no telemetry', () => {
    expect(readdirSync(home)).toEqual([]);
  });
});
