/** Puts the files of a backup into a folder, each durable, each only where a workspace has it. */
import { createHash } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EdgewrightError } from '#contract';
import { ensureDir, freeBytes, fsyncDir } from '#core/platform';
import { BACKUP_PROGRESS_STEP, MAX_BACKUP_CONTENTS_BYTES } from '../limits.ts';
import { CONTENTS_FILE } from './contents.ts';
import { malformedBackup } from './errors.ts';
import { type BackupContents, BackupContentsSchema } from './form.ts';
import { Untar } from './untar.ts';

export interface UnpackOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((step: string, fraction?: number) => void) | undefined;
}

/**
 * @param source the decrypted archive
 * @param dir an empty folder
 * @returns what the backup says of itself, and the digests of blobs that had rotted before it was made, which are not kept
 * @throws trust.*, machine.disk-full
 */
export async function unpack(source: AsyncIterable<Uint8Array>, dir: string, options: UnpackOptions): Promise<{ contents: BackupContents; altered: string[] }> {
  const archive = new Untar(source);
  const first = await archive.next();
  if (first?.name !== CONTENTS_FILE || first.size > MAX_BACKUP_CONTENTS_BYTES) throw malformedBackup('it does not begin as a backup');
  const contents = readContents(await whole(archive.content()));
  const total = contents.files.reduce((sum, { bytes }) => sum + bytes, 0);
  await checkRoom(dir, total);
  const altered: string[] = [];
  let done = 0;
  let told = 0;
  for (const { path, bytes } of contents.files) {
    options.signal?.throwIfAborted();
    const file = await archive.next();
    if (file?.name !== path || file.size !== bytes) throw malformedBackup(`${path} is missing or of another size`);
    const target = join(dir, ...path.split('/'));
    await ensureDir(dirname(target));
    const digest = await writeDurably(target, archive.content());
    const named = /^store\/blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (named !== undefined && named !== digest) {
      altered.push(`sha256:${named}`);
      await rm(target);
    }
    done += bytes;
    if (done / total - told >= BACKUP_PROGRESS_STEP) options.onProgress?.('Reading the backup', (told = done / total));
  }
  if (await archive.next()) throw malformedBackup('it holds more than it says');
  await syncFolders(dir);
  return { contents, altered };
}

function readContents(bytes: Buffer): BackupContents {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw malformedBackup('its list of contents is unreadable');
  }
  const parsed = BackupContentsSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw malformedBackup(`its list of contents is wrong at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'unknown'}`);
  }
  const paths = new Set(parsed.data.files.map(({ path }) => path.toLowerCase()));
  if (paths.size !== parsed.data.files.length) throw malformedBackup('it holds a file twice');
  return parsed.data;
}

async function whole(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** @returns hex SHA-256 of what was written */
async function writeDurably(path: string, source: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path, 'wx', 0o600);
  try {
    for await (const piece of source) {
      hash.update(piece);
      await handle.writeFile(piece);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

async function syncFolders(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) if (entry.isDirectory()) await syncFolders(join(dir, entry.name));
  await fsyncDir(dir);
}

async function checkRoom(dir: string, bytes: number): Promise<void> {
  const free = await freeBytes(dir);
  if (bytes <= free) return;
  throw new EdgewrightError({
    code: 'machine.disk-full',
    message: 'There is no room for what is in the backup.',
    expected: `${bytes} bytes free`,
    found: `${free} bytes free`,
    hint: 'Nothing was written. Free some space, or name another workspace folder with EDGEWRIGHT_HOME.',
    owner: 'machine',
  });
}
