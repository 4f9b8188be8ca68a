/**
 * `workspace restore`: unpacks a backup beside the workspace, checks all of it, and only then puts it in its place, by rename.
 * Whatever is wrong, the place is as it was.
 */
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EdgewrightError } from '#contract';
import { openCatalogue, openRegistry, openStore } from '#core/bundles';
import { acquireLock, checkSqlite, ensureDir, systemClock } from '#core/platform';
import { AuditLog, decrypt, type Keyring, openKeyring, openTrustList, verifyLog } from '#core/trust';
import { databasesIn } from './contents.ts';
import { malformedBackup } from './errors.ts';
import type { BackupContents } from './form.ts';
import { finishRestore, stagingName, sweepStaging, switchTo } from './switch.ts';
import { unpack, type UnpackOptions } from './unpack.ts';

export interface RestoreRequest extends UnpackOptions {
  home: string;
  file: string;
  passphrase: string;
  /** Moves a workspace that is there aside instead of refusing. */
  replace: boolean;
  actor: string;
}

export interface Restored {
  home: string;
  workspaceId: string;
  /** When the backup was made. */
  createdAt: number;
  files: number;
  bundles: { name: string; version: string; state: string }[];
  /** Where the workspace of before lies now. */
  aside?: string;
  /** How the private keys are kept now, in words. */
  keyStore: string;
  warnings: string[];
}

/**
 * @throws usage.workspace-there; machine.busy while something works in the place; trust.wrong-passphrase, trust.backup-*;
 *   machine.disk-full
 */
export async function restoreWorkspace(request: RestoreRequest): Promise<Restored> {
  const { home, replace, signal, onProgress } = request;
  await finishRestore(home);
  const there = await isInUse(home);
  if (there && !replace) throw workspaceThere(home);
  // Nobody may write what is about to be moved; nor is a running engine's workspace taken away from under it.
  const lock = there ? await acquireLock(join(home, 'writer.lock'), { what: 'restoring a backup', waitMs: 0 }) : undefined;
  const staged = stagingName(home);
  try {
    await ensureDir(dirname(home));
    await sweepStaging(home);
    await mkdir(staged, { mode: 0o700 });
    const source = createReadStream(request.file, { highWaterMark: 1024 * 1024, ...(signal && { signal }) });
    const { contents, altered } = await unpack(decrypt(source, request.passphrase), staged, { signal, onProgress });
    onProgress?.('Checking what was restored');
    const checked = await check(staged, contents, request);
    signal?.throwIfAborted();
    const aside = there ? `${home}.before-restore-${new Date().toISOString().replace(/[:.]/g, '-')}` : undefined;
    // Windows moves no folder with an open file in it; elsewhere nobody gets in before the switch is done.
    if (process.platform === 'win32') await lock?.release();
    await switchTo(home, staged, aside);
    await lock?.release();
    return {
      home,
      workspaceId: contents.workspaceId,
      createdAt: contents.createdAt,
      files: contents.files.length,
      ...checked,
      warnings: [...altered.map((digest) => `${digest} had rotted before the backup was made and was left out.`), ...checked.warnings],
      ...(aside !== undefined && { aside }),
    };
  } catch (error) {
    await lock?.release();
    await rm(staged, { recursive: true, force: true });
    throw error;
  }
}

/** Whether anything is in the place that a restore must not touch. */
async function isInUse(home: string): Promise<boolean> {
  const info = await stat(home).catch(() => undefined);
  if (!info) return false;
  if (!info.isDirectory()) throw workspaceThere(home);
  return (await readdir(home)).length > 0;
}

/** Everything opens as it will be opened: keys, databases, log, bundles. Keys are then kept as this computer keeps them. */
async function check(staged: string, contents: BackupContents, request: RestoreRequest): Promise<Pick<Restored, 'bundles' | 'keyStore' | 'warnings'>> {
  const warnings: string[] = [];
  const keyring = await openKeyring(join(staged, 'keys'));
  if (keyring.workspaceId !== contents.workspaceId || keyring.fingerprint !== contents.fingerprint) throw malformedBackup('its keys are of another workspace');
  openTrustList(join(staged, 'keys'), keyring);
  for (const name of await databasesIn(staged)) checkSqlite(join(staged, name));

  const log = new AuditLog({ path: join(staged, 'audit.db'), archive: join(staged, 'audit'), keyring, clock: systemClock });
  try {
    const { problem } = await verifyLog(log);
    // It was so when the backup was made; the devices must not be lost for it.
    if (problem) warnings.push(`The audit log in the backup is not whole: ${problem.problem}.`);
    else {
      const when = new Date(contents.createdAt).toISOString();
      const message = `Restored this workspace from ${basename(request.file)}, a backup of ${when}`;
      log.append({ actor: request.actor, kind: 'workspace.restored', message });
    }
  } finally {
    log.close();
  }

  const bundles = contents.bundles ? await checkBundles(staged, keyring) : [];
  for (const { name, version, state } of bundles) if (state !== 'sound') warnings.push(`${name}@${version} is ${state}.`);
  if (contents.protection === 'passphrase') {
    await keyring.keep('passphrase', request.passphrase);
    warnings.push('The private keys were locked by a passphrase before; they are now locked by that of the backup.');
  } else {
    await keyring.settle();
  }
  return { bundles, keyStore: keyring.keyStore, warnings };
}

async function checkBundles(staged: string, keyring: Keyring): Promise<Restored['bundles']> {
  const store = await openStore(join(staged, 'store'));
  const catalogue = openCatalogue(join(staged, 'catalogue.db'));
  try {
    const registry = await openRegistry({ store, catalogue, keyring, trust: openTrustList(join(staged, 'keys'), keyring) });
    return registry.list().map(({ name, version, state }) => ({ name, version, state }));
  } finally {
    catalogue.close();
  }
}

function workspaceThere(home: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.workspace-there',
    message: `There is a workspace at ${home} already.`,
    expected: 'an empty or missing folder',
    hint: 'Name another one with EDGEWRIGHT_HOME, or move this one aside with --replace: nothing of it is deleted.',
    owner: 'usage',
  });
}
