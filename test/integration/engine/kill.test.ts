/** What stands when processes are killed: the engine, its runner, and the command line beside it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

interface DeviceList {
  devices: { name: string; state: string; inference: string; practice: boolean }[];
}

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let engine: ChildProcess;
beforeAll(async () => {
  work = await throwAwayDir('kill');
});
afterAll(async () => {
  await end(engine, 'SIGTERM');
  await work.remove();
});

/** Starts an engine on the workspace; resolves with its link once it is ready. */
function start(): Promise<{ process: ChildProcess; link: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'app', 'engine', 'main.ts')], {
      env: { PATH: process.env.PATH ?? '', HOME: work.dir, EDGEWRIGHT_HOME: work.dir, EDGEWRIGHT_KEY_STORE: 'file' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.once('exit', (code) => reject(new Error(`the engine ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const link = /^Edgewright ready: (http:\S+)$/.exec(line)?.[1];
      if (link !== undefined) resolve({ process: child, link });
    });
  });
}

function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

async function practice(): Promise<DeviceList['devices'][number] | undefined> {
  const result = await cli(['device', 'list', '--json'], { home: work.dir });
  return (result.json() as DeviceList).devices.find((d) => d.practice);
}

const isReady = (inference: string) =>
  fetch(`${inference}/v2/health/live`, { signal: AbortSignal.timeout(2_000) }).then(
    (answer) => answer.ok,
    () => false,
  );

describe('killing processes', () => {
  test('a new workspace gets the sample bundle and an enrolled practice device', async () => {
    ({ process: engine } = await start());
    await expect.poll(() => practice().then((d) => d?.state), { timeout: 40_000, interval: 500 }).toBe('reachable');
    const list = await cli(['bundle', 'list', '--json'], { home: work.dir });
    expect(list.json()).toMatchObject({ bundles: [{ name: 'digits', version: '1.0.0', signed: true, state: 'sound' }] });
  });

  test('a command reaches the running engine, and a second engine gives its link and ends well', async () => {
    const second = spawn(process.execPath, [join(ROOT, 'app', 'engine', 'main.ts')], {
      env: { PATH: process.env.PATH ?? '', HOME: work.dir, EDGEWRIGHT_HOME: work.dir, EDGEWRIGHT_KEY_STORE: 'file' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    second.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    expect(await new Promise((resolve) => second.once('exit', resolve))).toBe(0);
    expect(printed).toMatch(/^Edgewright ready: http:\/\/127\.0\.0\.1:\d+\/#/);
  });

  test('a runner that is killed is replaced: the next answer comes', async () => {
    const run = () => cli(['run', 'digits@1.0.0', '--input', join(ROOT, 'assets/sample-bundle/examples/digit-3.png'), '--json'], { home: work.dir });
    expect((await run()).json()).toMatchObject({ ok: true, answer: { labels: [{ label: '3' }, {}, {}] } });
    const { execFileSync } = await import('node:child_process');
    const runners = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(engine.pid)], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes('runner-main'));
    expect(runners.length).toBeGreaterThan(0);
    for (const line of runners) process.kill(Number.parseInt(line, 10), 'SIGKILL');
    const answers = [await run(), await run()];
    expect(answers.at(-1)?.json()).toMatchObject({ ok: true, answer: { labels: [{ label: '3' }, {}, {}] } });
  });

  test('kill -9 of the engine: the device goes on serving, and the next engine takes it back', async () => {
    const before = await practice();
    expect(before).toBeDefined();
    await end(engine, 'SIGKILL');
    expect(await isReady(before?.inference ?? '')).toBe(true);
    ({ process: engine } = await start());
    await expect.poll(() => practice().then((d) => d?.state), { timeout: 30_000, interval: 500 }).toBe('reachable');
    expect((await practice())?.inference).toBe(before?.inference);
    const list = await cli(['bundle', 'verify', 'digits@1.0.0', '--json'], { home: work.dir });
    expect(list.json()).toMatchObject({ ok: true, signed: true });
  });

  test.skipIf(process.platform !== 'linux')(
    'kill -9 of the practice device: it is started again and is the same device, though another engine had started it',
    async () => {
      const before = await practice();
      const { execFileSync } = await import('node:child_process');
      const agentPid = () =>
        execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
          .split('\n')
          .filter((line) => line.includes(join(work.dir, 'practice')) && line.includes('--dir'))
          .map((line) => Number.parseInt(line, 10));
      const [pid] = agentPid();
      expect(pid).toBeGreaterThan(0);
      process.kill(pid ?? 0, 'SIGKILL');
      await expect.poll(() => agentPid().some((now) => now !== pid), { timeout: 30_000, interval: 200 }).toBe(true);
      await expect.poll(() => practice().then((d) => d?.state), { timeout: 30_000, interval: 500 }).toBe('reachable');
      expect(await practice()).toMatchObject({ name: before?.name, inference: before?.inference });
    },
  );

  test('a clean end stops the practice device too, and commands work without an engine', async () => {
    const before = await practice();
    await end(engine, 'SIGTERM');
    expect(engine.exitCode).toBe(0);
    await expect.poll(() => isReady(before?.inference ?? ''), { timeout: 10_000 }).toBe(false);
    const list = await cli(['bundle', 'list', '--json'], { home: work.dir });
    expect(list.json()).toMatchObject({ bundles: [{ name: 'digits' }] });
  });
});
