/** A laptop is lost, and the devices are not: a real agent is managed again from a backup on another computer. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from '../agent/agent-process.ts';
import { cli, ROOT } from '../../lib/cli.ts';

const SAMPLE = join(ROOT, 'assets', 'sample-bundle');
const AT_ONCE = ['--watch', '0', '--watch-requests', '0', '--override', 'nothing was tried in this test'];

let dir: string;
let agent: AgentProcess;
let passphrase: string;

beforeAll(async () => {
  dir = await temporaryFolder('lost-laptop');
  agent = await startAgent(join(dir, 'device'), ['--pair']);
  passphrase = join(dir, 'passphrase');
  await writeFile(passphrase, 'four words for a backup\n', { mode: 0o600 });
});
afterAll(cleanUp);

async function run(home: string, ...args: string[]): Promise<Record<string, unknown>> {
  const result = await cli([...args, '--json'], { home: join(dir, home) });
  expect(result.code, `${args.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0);
  return result.json() as Record<string, unknown>;
}

/** The sample as another version. */
async function update(version: string): Promise<string> {
  const folder = join(dir, `update-${version}`);
  await cp(SAMPLE, folder, { recursive: true });
  const yaml = await readFile(join(folder, 'edgewright.yaml'), 'utf8');
  await writeFile(join(folder, 'edgewright.yaml'), yaml.replace(/^version: .*$/m, `version: ${version}`));
  return folder;
}

const served = async (home: string) => {
  const { bundles } = await run(home, 'device', 'show', 'pump-3');
  return (bundles as { version: string; state: string }[]).find((b) => b.state === 'active')?.version;
};

test('enrolled and deployed to from the first laptop, backed up, and the laptop is gone', async () => {
  const { address = '', code = '' } = agent.ready.pairing ?? {};
  await mkdir(join(dir, 'first'), { recursive: true });
  await writeFile(join(dir, 'code'), code);
  await run('first', 'device', 'add', address, '--name', 'pump-3', '--code-file', join(dir, 'code'));
  await run('first', 'bundle', 'build', SAMPLE);
  await run('first', 'bundle', 'build', await update('1.1.0'));
  await run('first', 'deploy', 'digits@1.0.0', '--to', 'pump-3', ...AT_ONCE);
  expect(await served('first')).toBe('1.0.0');
  const full = await run('first', 'workspace', 'backup', join(dir, 'full.age'), '--passphrase-file', passphrase);
  expect(full).toMatchObject({ bundles: true, altered: [] });
  const small = await run('first', 'workspace', 'backup', join(dir, 'small.age'), '--without-bundles', '--passphrase-file', passphrase);
  expect(small.bytes).toBeLessThan(Number(full.bytes));
  await rm(join(dir, 'first'), { recursive: true });
});

test('from the whole backup the device is managed again: it is seen, gets the next version, and goes back', async () => {
  const restored = await run('second', 'workspace', 'restore', join(dir, 'full.age'), '--passphrase-file', passphrase);
  expect(restored).toMatchObject({
    bundles: [
      { name: 'digits', state: 'sound' },
      { name: 'digits', state: 'sound' },
    ],
    warnings: [],
  });
  expect(await run('second', 'device', 'list')).toMatchObject({ devices: [{ name: 'pump-3', id: agent.ready.id, state: 'reachable' }] });
  expect(await run('second', 'deploy', 'digits@1.1.0', '--to', 'pump-3', ...AT_ONCE)).toMatchObject({ deployments: [{ state: 'active' }] });
  expect(await run('second', 'rollback', 'pump-3')).toMatchObject({ from: 'digits@1.1.0#fp32', to: 'digits@1.0.0#fp32' });
  expect(await served('second')).toBe('1.0.0');
  expect(await run('second', 'audit', 'verify')).toMatchObject({ ok: true, unsigned: 0 });
  expect(await run('second', 'bundle', 'verify', 'digits@1.1.0')).toMatchObject({ ok: true, signed: true });
});

test('from the small one too, with bundles that are built anew', async () => {
  await run('third', 'workspace', 'restore', join(dir, 'small.age'), '--passphrase-file', passphrase);
  expect(await run('third', 'bundle', 'list')).toMatchObject({ bundles: [] });
  expect(await served('third')).toBe('1.0.0');
  await run('third', 'bundle', 'build', await update('1.2.0'));
  expect(await run('third', 'deploy', 'digits@1.2.0', '--to', 'pump-3', ...AT_ONCE)).toMatchObject({ deployments: [{ state: 'active' }] });
  expect(await served('third')).toBe('1.2.0');
});
