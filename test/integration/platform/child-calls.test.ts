/** Whatever a child does, whoever asks it gets an answer or an error, in time; what waited behind is told so. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EdgewrightError } from '#contract';
import { type AnswerHeader, ChildCalls, type EndWords, isAlive, spawnNode } from '#core/platform';

const error = (code: string, message = code) => new EdgewrightError({ code, message, owner: 'machine' });
const WORDS: EndWords = {
  timedOut: (what, ms) => error('late', `${what} ${ms}`),
  cancelled: () => error('cancelled'),
  tooLarge: () => error('large'),
  ended: (what, { code, signal }) => error('ended', `${what} ${code} ${signal}`),
  closed: () => error('closed'),
  stopped: (why) => error('stopped', why.code),
};
const MEMORY = { bytes: 200_000_000, pollMs: 20 };

const started: ChildCalls[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((calls) => calls.close()));
});

async function start(): Promise<ChildCalls> {
  const calls = new ChildCalls(spawnNode(join(import.meta.dirname, 'misbehaving-child.ts'), []), WORDS, {
    answers: { headerBytes: 10_000, bodyBytes: 100_000 },
    memory: MEMORY,
  });
  started.push(calls);
  await calls.ready({ what: 'start', timeoutMs: 30_000 });
  return calls;
}

async function ask(
  calls: ChildCalls,
  kind: string,
  about = 0,
  options: { timeoutMs?: number; busyFactor?: number; signal?: AbortSignal } = {},
): Promise<unknown> {
  const { header, body } = await calls.ask({ kind, ask: about }, [], { what: kind, timeoutMs: 30_000, ...options });
  const { failed } = header as AnswerHeader;
  if (failed) throw new EdgewrightError(failed);
  return JSON.parse(body.toString());
}

describe('questions to a child', () => {
  it('are answered in the order they are asked', async () => {
    const calls = await start();
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4, 5].map(async (n) => order.push((await ask(calls, n % 2 ? 'sleep' : 'echo', n)) === 'slept' ? -n : n)));
    expect(order).toEqual([-1, 2, -3, 4, -5]);
  });

  it('that fail there leave it whole', async () => {
    const calls = await start();
    await expect(ask(calls, 'fail')).rejects.toMatchObject({ owner: 'bug' });
    await expect(ask(calls, 'shout', 200_000)).rejects.toMatchObject({ owner: 'bug', message: expect.stringContaining('too much') });
    expect(await ask(calls, 'echo', 7)).toBe(7);
  });

  it.each([
    ['hang', 'late'],
    ['crash', 'ended'],
    ['leave', 'ended'],
    ['babble', 'ended'],
    ['eat', 'large'],
  ])('%s: it is ended, and every question with it', async (kind, code) => {
    const calls = await start();
    const { pid } = calls;
    const last = ask(calls, kind, 400_000_000, { timeoutMs: kind === 'hang' ? 200 : 30_000 }).catch((thrown: unknown) => thrown);
    const behind = ask(calls, 'echo', 1).catch((thrown: unknown) => thrown);
    expect(await last).toMatchObject({ code });
    expect(await behind).toMatchObject({ code: 'stopped', message: code });
    expect(calls.alive).toBe(false);
    await calls.ended;
    expect(isAlive(pid)).toBe(false);
  });

  it('are cancelled while they wait, which disturbs nobody, and while they are answered, which ends it', async () => {
    const calls = await start();
    const slow = ask(calls, 'sleep', 300);
    const waiting = new AbortController();
    const waits = ask(calls, 'echo', 1, { signal: waiting.signal });
    waiting.abort();
    await expect(waits).rejects.toMatchObject({ code: 'cancelled' });
    expect(await slow).toBe('slept');
    const running = new AbortController();
    const hangs = ask(calls, 'hang', 0, { signal: running.signal });
    setTimeout(() => running.abort(), 50);
    await expect(hangs).rejects.toMatchObject({ code: 'cancelled' });
    expect((await calls.ended).signal).toBe('SIGKILL');
  });

  it.runIf(process.platform === 'linux')('have more time on the clock while it gets no processor, and no more than said', async () => {
    const calls = await start();
    expect(await ask(calls, 'sleep', 600, { timeoutMs: 200, busyFactor: 50 })).toBe('slept');
    await expect(ask(calls, 'sleep', 60_000, { timeoutMs: 200, busyFactor: 2 })).rejects.toMatchObject({ code: 'late' });
    // One that computes has used its time up when it has had it.
    await expect(ask(await start(), 'hang', 0, { timeoutMs: 200, busyFactor: 1_000 })).rejects.toMatchObject({ code: 'late' });
  });

  it('are refused once it is closed', async () => {
    const calls = await start();
    await calls.close();
    await expect(ask(calls, 'echo')).rejects.toMatchObject({ code: 'stopped', message: 'closed' });
  });
});
