import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'edgewright-command-'));
const driver = join(dir, 'driver.cjs');

beforeAll(() => {
  writeFileSync(
    driver,
    `require(${JSON.stringify(join(root, 'boot', 'child.cjs'))}).runForeground(process.execPath, process.argv.slice(2), { cwd: process.cwd(), env: process.env, endWithParent: process.env.END_WITH_PARENT === '1' })
      .then((status) => { process.exitCode = status; });`,
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each([0, 1, 2, 6, 64, 130])('exit status %i is passed on', (status) => {
  expect(spawnSync(process.execPath, [driver, '-e', `process.exitCode = ${status}`]).status).toBe(status);
});

test.runIf(process.platform !== 'win32')('a command that is killed counts as a shell counts it', () => {
  expect(spawnSync(process.execPath, [driver, '-e', "process.kill(process.pid, 'SIGKILL')"]).status).toBe(137);
});

test.runIf(process.platform !== 'win32').each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s reaches the command, which ends in its own way', async (signal) => {
  const script = `process.on('${signal}', () => { console.log('got it'); process.exit(7); }); console.log('up'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, [driver, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data;
    if (data.includes('up')) child.kill(signal);
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(7);
  expect(text).toContain('got it');
});

test.runIf(process.platform !== 'win32')('a command whose npm was killed is asked to end', async () => {
  const script = "process.on('SIGTERM', () => { console.log('asked'); process.exit(0); }); console.log('up'); setInterval(() => {}, 1000);";
  const shell = `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' })`;
  const child = spawn(process.execPath, ['-e', shell, driver, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, END_WITH_PARENT: '1' },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data;
    if (data.includes('up')) child.kill('SIGKILL');
  });
  // The pipe closes when the last of them has ended.
  await new Promise((resolve) => child.stdout.once('close', resolve));
  expect(text).toContain('asked');
});

test('stdin, stdout and arguments are the command’s own', () => {
  const result = spawnSync(
    process.execPath,
    [driver, '-e', 'process.stdin.pipe(process.stdout); console.log(JSON.stringify(process.argv.slice(1)))', '--', 'a b', '--json'],
    {
      input: 'from stdin',
      encoding: 'utf8',
    },
  );
  expect(result.stdout).toBe('["a b","--json"]\nfrom stdin');
  expect(result.stderr).toBe('');
});

test('an unknown script ends with 64 and says which there are', () => {
  const result = spawnSync(process.execPath, [join(root, 'boot.cjs'), 'nope'], { encoding: 'utf8' });
  expect(result.status).toBe(64);
  expect(result.stdout).toBe('');
  expect(result.stderr).toMatch(/^edgewright: no such script: 'nope'\. There are: start, test/);
});

test('the command line through boot: one JSON document on stdout, relative paths from where the person stands', () => {
  const model = 'model.onnx';
  const result = spawnSync(process.execPath, [join(root, 'boot.cjs'), 'edgewright', 'inspect', model, '--json'], {
    cwd: join(root, 'assets', 'sample-bundle'),
    // As if npm had not started us: boot takes our folder for the person's.
    env: { ...process.env, npm_lifecycle_event: undefined, INIT_CWD: undefined, EDGEWRIGHT_HOME: join(dir, 'home') },
    encoding: 'utf8',
  });
  expect(result.status).toBe(0);
  expect(JSON.parse(result.stdout)).toMatchObject({ ok: true, inputs: expect.any(Array) as unknown });
  const missing = spawnSync(process.execPath, [join(root, 'boot.cjs'), 'edgewright', 'inspect', 'no-such.onnx', '--json'], {
    env: { ...process.env, EDGEWRIGHT_HOME: join(dir, 'home') },
    encoding: 'utf8',
  });
  expect(missing.status).toBe(64);
  expect(JSON.parse(missing.stdout)).toMatchObject({ ok: false, error: { owner: 'usage' } });
});
