/**
 * `workspace backup`: one file that brings the workspace back on another computer. A tar archive of the workspace's files,
 * bundles as an OCI image layout, encrypted by a passphrase in the age format: `age -d FILE | tar x` opens it without us.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type BackupResult, EdgewrightError } from '#contract';
import { type BlobStore, tarSize, tarStream } from '#core/bundles';
import { checkReplaceable, freeBytes, programVersion, writeStreamAtomic } from '#core/platform';
import { checkNewPassphrase, encrypt, type Keyring } from '#core/trust';
import type { JobControl } from '../jobs.ts';
import { BACKUP_PROGRESS_STEP } from '../limits.ts';
import { CONTENTS_FILE, unknownIn } from './contents.ts';
import type { BackupContents } from './form.ts';
import { snapshot, type SnapshotFile } from './snapshot.ts';

export interface BackupParts {
  home: string;
  keyring: Keyring;
  store: BlobStore;
  tempDir: string;
}

export interface BackupRequest {
  path: string;
  passphrase: string;
  bundles: boolean;
}

/** @throws usage.passphrase-weak, usage.backup-inside, machine.disk-full, machine.keys-locked */
export async function writeBackup(parts: BackupParts, request: BackupRequest, control: JobControl): Promise<BackupResult> {
  const { home, keyring, store, tempDir } = parts;
  const file = resolve(request.path);
  checkNewPassphrase(request.passphrase);
  const way = relative(home, file);
  if (!way.startsWith('..') && !isAbsolute(way)) throw inside(home);
  await checkReplaceable(file);
  await mkdir(tempDir, { recursive: true });
  const dir = await mkdtemp(join(tempDir, 'backup-'));
  try {
    const files = await snapshot({ home, keyring, store, dir, bundles: request.bundles, signal: control.signal, onStep: (step) => control.progress(step) });
    const contents: BackupContents = {
      format: 1,
      version: programVersion(),
      createdAt: Date.now(),
      workspaceId: keyring.workspaceId,
      fingerprint: keyring.fingerprint,
      protection: keyring.protection,
      bundles: request.bundles,
      files: files.map(({ path, bytes }) => ({ path, bytes })),
    };
    for (const name of await unknownIn(home))
      control.warn({ code: 'backup.unknown-file', message: `${name} is none of the workspace's files and is not in the backup.` });

    const altered: string[] = [];
    const index = Buffer.from(JSON.stringify(contents));
    const sources = [
      {
        name: CONTENTS_FILE,
        size: index.length,
        async *open() {
          yield index;
        },
      },
      ...files.map((one) => ({ name: one.path, size: one.bytes, open: () => exactly(one, (digest) => altered.push(digest)) })),
    ];
    const total = tarSize(sources);
    await checkRoom(file, total);
    const hash = createHash('sha256');
    let done = 0;
    let told = 0;
    async function* counted(): AsyncGenerator<Uint8Array, void> {
      for await (const piece of tarStream(sources)) {
        done += piece.length;
        if (done / total - told >= BACKUP_PROGRESS_STEP) control.progress(`Writing ${file}`, (told = done / total));
        yield piece;
      }
    }
    async function* hashed(): AsyncGenerator<Uint8Array, void> {
      for await (const piece of encrypt(counted(), request.passphrase)) {
        hash.update(piece);
        yield piece;
      }
    }
    const bytes = await writeStreamAtomic(file, hashed(), { signal: control.signal });
    return { file, bytes, digest: `sha256:${hash.digest('hex')}`, files: files.length, bundles: request.bundles, altered };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * The bytes of a file, as many as its header said. A blob whose bytes have rotted goes along as it is: one bad bundle must not
 * keep the keys and the devices from being saved. It is named, and nobody takes it for sound afterwards.
 */
async function* exactly(file: SnapshotFile, onAltered: (digest: string) => void): AsyncGenerator<Uint8Array, void> {
  const hash = file.digest === undefined ? undefined : createHash('sha256');
  let bytes = 0;
  for await (const piece of file.open()) {
    bytes += piece.length;
    hash?.update(piece);
    if (bytes > file.bytes) break;
    yield piece;
  }
  if (bytes !== file.bytes) {
    throw new EdgewrightError({
      code: 'machine.changed-meanwhile',
      message: `${file.path} changed while it was backed up.`,
      expected: `${file.bytes} bytes`,
      found: `${bytes} bytes`,
      hint: 'Run it again.',
      owner: 'machine',
    });
  }
  if (file.digest !== undefined && hash && `sha256:${hash.digest('hex')}` !== file.digest) onAltered(file.digest);
}

async function checkRoom(file: string, bytes: number): Promise<void> {
  const free = await freeBytes(dirname(file));
  if (bytes <= free) return;
  throw new EdgewrightError({
    code: 'machine.disk-full',
    message: `There is no room for ${file}.`,
    expected: `${bytes} bytes free`,
    found: `${free} bytes free`,
    hint: 'Name another place, or leave the bundles out: --without-bundles.',
    owner: 'machine',
  });
}

function inside(home: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.backup-inside',
    message: 'A backup inside the workspace would be lost with it.',
    expected: `a place outside ${home}`,
    hint: 'Name a file on another disk or a stick.',
    owner: 'usage',
  });
}
