/** Shared by the short and the long sweep: a restore that is cut off leaves the workspace of before or the restored one, whole. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { openLocalClient, restoreWorkspace } from '#engine';
import { type Ended, runChild } from '../child.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface Bench {
  dir: string;
  backup: string;
  /** Id of the workspace in the backup. */
  restored: string;
  /** What an undisturbed restore does to the file system, in order. */
  steps: string[];
}

async function idOf(home: string): Promise<string> {
  const local = await openLocalClient({ home });
  try {
    expect(await local.client.devices.list()).toEqual([]);
    expect(await local.client.audit.verify({})).toMatchObject({ ok: true, unsigned: 0 });
    return (await local.client.workspace.keys()).workspaceId;
  } finally {
    await local.close();
  }
}

export async function prepare(): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), 'ew-restore-'));
  const backup = join(dir, 'backup.age');
  const local = await openLocalClient({ home: join(dir, 'origin') });
  await local.client.workspace.backup({ path: backup, passphrase: 'four words for a backup', withoutBundles: true });
  const restored = (await local.client.workspace.keys()).workspaceId;
  await local.close();
  const bench: Bench = { dir, backup, restored, steps: [] };
  const log = join(dir, 'steps.log');
  const { place } = await occupied(bench);
  expect(await run(bench, join(place, 'home'), { FAULT_LOG: log })).toMatchObject({ code: 0 });
  bench.steps = (await readFile(log, 'utf8')).trim().split('\n');
  return bench;
}

/** A place with a workspace of its own. */
async function occupied({ dir }: Bench): Promise<{ place: string; before: string }> {
  const place = await mkdtemp(join(dir, 'place-'));
  const home = join(place, 'home');
  await mkdir(home);
  const before = await idOf(home);
  await writeFile(join(home, 'keys', 'mine.json'), '{"mine":true}', { mode: 0o600 });
  return { place, before };
}

function run(bench: Bench, home: string, env: Record<string, string>): Promise<Ended> {
  const args = ['--import', here('../bundles/fault-at.mjs'), here('restore-child.ts'), home, bench.backup];
  return runChild(args, { EDGEWRIGHT_KEY_STORE: 'file', ...env });
}

/** @returns whether the restored workspace was in place afterwards */
export async function restoreWithFault(bench: Bench, kind: 'kill' | 'full', at: number): Promise<boolean> {
  const { place, before } = await occupied(bench);
  const home = join(place, 'home');
  const ended = await run(bench, home, { FAULT_AT: String(at), FAULT_KIND: kind });
  if (kind === 'kill') expect(ended.signal, ended.stderr).toBe('SIGKILL');
  else expect([0, 6], ended.stderr).toContain(ended.code);
  // Whoever opens the workspace next finds one of the two, and never a new empty one.
  const found = await idOf(home);
  expect([before, bench.restored], `after ${bench.steps[at - 1]}`).toContain(found);
  const mine = async (folder: string) => readFile(join(place, folder, 'keys', 'mine.json'), 'utf8').catch(() => undefined);
  const folders = await readdir(place);
  const aside = folders.filter((name) => name.startsWith('home.before-restore-'));
  if (found === before) {
    expect(await mine('home')).toBe('{"mine":true}');
    expect(aside).toEqual([]);
    if (kind === 'full') expect(folders.filter((name) => name.startsWith('home.'))).toEqual([]);
  } else {
    expect(aside).toHaveLength(1);
    expect(await mine(aside[0] ?? '')).toBe('{"mine":true}');
  }
  expect(folders).not.toContain('home.restore.json');
  // And it can be done again; what the first left goes then.
  await restoreWorkspace({ home, file: bench.backup, passphrase: 'four words for a backup', replace: true, actor: 'test' });
  expect(await idOf(home)).toBe(bench.restored);
  expect((await readdir(place)).filter((name) => /restoring|restore\.json/.test(name))).toEqual([]);
  await rm(place, { recursive: true, force: true });
  return found === bench.restored;
}
