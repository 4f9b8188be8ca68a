import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** npm is not ours and needs a network: a stand-in that counts its runs, wipes node_modules as npm ci does, and does as it is told. */
const NPM = `
const fs = require('node:fs'), path = require('node:path');
const mode = fs.readFileSync('mode', 'utf8');
fs.writeFileSync('npm-pid', String(process.pid));
fs.appendFileSync('runs', process.argv.slice(2).join(' ') + '\\n');
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules/half', { recursive: true });
if (mode === 'fail') { console.error('npm error code ENOTFOUND'); process.exit(1); }
const finish = () => {
  fs.mkdirSync('node_modules/whole', { recursive: true });
  fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
  fs.writeFileSync('node_modules/whole/package.json', '{}');
};
if (mode === 'hang') setTimeout(() => {}, 60_000);
else if (mode === 'wait') { const look = setInterval(() => { if (fs.existsSync('go')) { clearInterval(look); finish(); } }, 20); }
else finish();
`;

const INSTALL = join(import.meta.dirname, '..', '..', '..', 'boot', 'install.cjs');
let dir = '';
let started: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgewright-install-'));
  started = [];
  writeFileSync(join(dir, 'npm.cjs'), NPM);
  writeFileSync(join(dir, 'mode'), 'ok');
  lock('1.0.0');
  writeFileSync(
    join(dir, 'boot.cjs'),
    `require(${JSON.stringify(INSTALL)}).ensureInstalled(process.cwd(), { npm: { file: process.execPath, args: ['npm.cjs'] } })
      .then(() => console.log('installed'), (error) => { console.log('failed ' + error.exitCode + ' ' + error.message); process.exitCode = error.exitCode; });`,
  );
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

function lock(version: string): void {
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages: { '': {}, 'node_modules/whole': { version, integrity: `sha512-${version}` } } }));
}

/** A boot of its own process. */
function boot(): { child: ChildProcess; output: Promise<string> } {
  const child = spawn(process.execPath, ['boot.cjs'], { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data;
  });
  return { child, output: new Promise((resolve) => child.once('close', () => resolve(text.trim()))) };
}

const runs = () => (existsSync(join(dir, 'runs')) ? readFileSync(join(dir, 'runs'), 'utf8').trim().split('\n') : []);
const npmPid = () => Number(readFileSync(join(dir, 'npm-pid'), 'utf8'));
const locks = () => readdirSync(dir).filter((name) => name.startsWith('.boot-lock'));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('installs once, without scripts, and not again', async () => {
  expect(await boot().output).toBe('installed');
  expect(await boot().output).toBe('installed');
  expect(runs()).toHaveLength(1);
  expect(runs()[0]).toMatch(/^ci .*--ignore-scripts/);
  expect(locks()).toEqual([]);
});

test('a changed lockfile is installed', async () => {
  await boot().output;
  lock('1.0.1');
  expect(await boot().output).toBe('installed');
  expect(runs()).toHaveLength(2);
});

test('an install by hand that agrees with the lockfile is taken as it is', async () => {
  await boot().output;
  rmSync(join(dir, 'node_modules', '.edgewright-stamp'));
  expect(await boot().output).toBe('installed');
  expect(runs()).toHaveLength(1);
  rmSync(join(dir, 'node_modules', '.edgewright-stamp'));
  rmSync(join(dir, 'node_modules', 'whole'), { recursive: true });
  await boot().output;
  expect(runs()).toHaveLength(2);
});

test('without a network: one clear line, exit code 4, and the next start tries again', async () => {
  writeFileSync(join(dir, 'mode'), 'fail');
  expect(await boot().output).toMatch(/^failed 4 dependencies could not be installed: npm cannot reach its registry/);
  expect(locks()).toEqual([]);
  writeFileSync(join(dir, 'mode'), 'ok');
  expect(await boot().output).toBe('installed');
  expect(existsSync(join(dir, 'node_modules', 'whole'))).toBe(true);
});

test('two at once: one installs, the other waits for it', async () => {
  writeFileSync(join(dir, 'mode'), 'wait');
  const first = boot();
  const second = boot();
  await until(() => runs().length > 0);
  writeFileSync(join(dir, 'go'), '');
  expect(await Promise.all([first.output, second.output])).toEqual(['installed', 'installed']);
  expect(runs()).toHaveLength(1);
  expect(locks()).toEqual([]);
});

test('an install that was killed half way is done again', async () => {
  writeFileSync(join(dir, 'mode'), 'hang');
  const killed = boot();
  await until(() => existsSync(join(dir, 'node_modules', 'half')));
  killed.child.kill('SIGKILL');
  process.kill(npmPid(), 'SIGKILL');
  await killed.output;
  expect(locks()).toHaveLength(1);
  writeFileSync(join(dir, 'mode'), 'ok');
  expect(await boot().output).toBe('installed');
  expect(existsSync(join(dir, 'node_modules', 'whole', 'package.json'))).toBe(true);
  expect(locks()).toEqual([]);
});

test('an npm whose boot was killed is waited for, and its install is taken', async () => {
  writeFileSync(join(dir, 'mode'), 'wait');
  const killed = boot();
  await until(() => existsSync(join(dir, 'node_modules', 'half')) && existsSync(join(dir, '.boot-lock', 'child')));
  killed.child.kill('SIGKILL');
  await killed.output;
  const next = boot();
  writeFileSync(join(dir, 'go'), '');
  expect(await next.output).toBe('installed');
  expect(runs()).toHaveLength(1);
  expect(locks()).toEqual([]);
});

test('a signal ends the install and gives the lock back', async () => {
  writeFileSync(join(dir, 'mode'), 'hang');
  const stopped = boot();
  await until(() => existsSync(join(dir, 'node_modules', 'half')));
  stopped.child.kill('SIGTERM');
  await stopped.output;
  expect(stopped.child.exitCode).toBe(143);
  expect(locks()).toEqual([]);
});
