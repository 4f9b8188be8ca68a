/** Trials that end before their time, without any engine: nothing is left running, lying about, or said to run. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { acquireLock } from '#core/platform';
import { TrialStore } from '#core/trials';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const TRIAL = ['trial', 'digits@1.0.0', '--rounds', '100', '--runs', '10000', '--json'];
const WAIT = { timeout: 60_000, interval: 20 };

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let home: string;
let trials: TrialStore;
beforeAll(async () => {
  work = await throwAwayDir('cut-off');
  home = join(work.dir, 'home');
  await mkdir(home);
  expect((await cli(['bundle', 'build', join(ROOT, 'assets', 'sample-bundle')], { home })).code).toBe(0);
  trials = new TrialStore(join(home, 'trials.db'));
});
afterAll(async () => {
  trials.close();
  await work.remove();
});

const states = () => trials.list().map((t) => t.state);
const temporary = () => readdir(join(home, 'temp'), { recursive: true });

test('killed: the next command says interrupted and clears what was left', async () => {
  const killed = await cli(TRIAL, {
    home,
    onStart: (pid) =>
      void vi.waitFor(async () => expect(await temporary()).toContainEqual(expect.stringContaining('int8')), WAIT).then(() => process.kill(pid, 'SIGKILL')),
  });
  expect(killed.code).toBeNull();
  expect(states()).toEqual(['running']);
  const listed = await cli(['trial', '--list', '--json'], { home });
  expect(listed.json()).toMatchObject({ trials: [{ state: 'interrupted' }] });
  expect(await temporary()).toEqual([]);
});

test('cancelled while it waits for the workspace: it stops waiting and is kept as cancelled', async () => {
  const lock = await acquireLock(join(home, 'writer.lock'), { what: 'this test', waitMs: 0 });
  try {
    const cancelled = await cli(TRIAL, {
      home,
      onStart: (pid) => void vi.waitFor(() => expect(states()).toEqual(['running', 'interrupted']), WAIT).then(() => process.kill(pid, 'SIGINT')),
    });
    expect({ code: cancelled.code, document: cancelled.json() }).toMatchObject({ code: 130, document: { error: { code: 'cancelled' } } });
    expect(states()).toEqual(['cancelled', 'interrupted']);
    expect(await temporary()).toEqual([]);
  } finally {
    await lock.release();
  }
});
