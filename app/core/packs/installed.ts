/** The packs that are installed: what is there, whether it is still what was installed, and where runners find it. */
import { createHash } from 'node:crypto';
import { open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfThere, readPieces, TEMP_PREFIX, tempName } from '#core/platform';
import { misused } from './errors.ts';
import { MAX_PACK_NOTE_BYTES, MAX_PACKS } from './limits.ts';

/** What stands in `pack.json`: written last, so a folder without it is none. */
export const PackNoteSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().max(64),
  title: z.string().max(200),
  revision: z.number().int(),
  onnxruntime: z.string().max(32),
  platform: z.string().max(32),
  arch: z.string().max(32),
  providers: z.array(z.string().max(32)).max(16),
  installedAt: z.number().int(),
  files: z
    .array(z.strictObject({ name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/), bytes: z.number().int(), sha256: z.string().length(64) }))
    .max(256),
});
export type PackNote = z.infer<typeof PackNoteSchema>;

export interface InstalledPack extends PackNote {
  /** The folder that holds its libraries. */
  folder: string;
  bytes: number;
}

export const PACK_NOTE = 'pack.json';
/**
 * ONNX Runtime looks for provider libraries beside its own library, by the path that the loader took that from. So a pack's
 * folder holds a link to it, and comes first in the loader's search: the binding finds its RUNPATH only after that.
 */
const ORT_LIBRARY = 'libonnxruntime.so.1';

/** @param dir the folder of all packs; it need not be there */
export async function installedPacks(dir: string): Promise<InstalledPack[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => !name.startsWith(TEMP_PREFIX)).sort();
  const packs: InstalledPack[] = [];
  for (const name of names.slice(0, MAX_PACKS)) {
    const folder = join(dir, name);
    const note = await readNote(folder);
    if (note) packs.push({ ...note, folder, bytes: note.files.reduce((sum, file) => sum + file.bytes, 0) });
  }
  return packs;
}

async function readNote(folder: string): Promise<PackNote | undefined> {
  try {
    const bytes = await readFileIfThere(join(folder, PACK_NOTE), MAX_PACK_NOTE_BYTES);
    return bytes && PackNoteSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    // A folder whose note cannot be read is no pack; `install` puts it right.
    return undefined;
  }
}

export interface PackDamage {
  file: string;
  problem: string;
}

/** Reads every file again and compares it with what was installed. @returns what is wrong; nothing when all is as it was */
export async function verifyPack(
  pack: InstalledPack,
  options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined } = {},
): Promise<PackDamage[]> {
  const damage: PackDamage[] = [];
  const known = new Set([...pack.files.map((file) => file.name), PACK_NOTE, ORT_LIBRARY]);
  for (const file of pack.files) {
    const found = await digestOf(join(pack.folder, file.name), options).catch((error: unknown) => {
      options.signal?.throwIfAborted();
      return error instanceof Error ? error : new Error(String(error));
    });
    if (found instanceof Error)
      damage.push({ file: file.name, problem: 'code' in found && found.code === 'ENOENT' ? 'is missing' : `cannot be read: ${found.message}` });
    else if (found !== file.sha256) damage.push({ file: file.name, problem: 'is not what was installed' });
  }
  // What the loader would take although nobody installed it.
  for (const name of await readdir(pack.folder)) if (!known.has(name)) damage.push({ file: name, problem: 'does not belong here' });
  return damage;
}

async function digestOf(path: string, options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined }): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    for await (const piece of readPieces(handle, { signal: options.signal })) {
      hash.update(piece);
      options.onBytes?.(piece.length);
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

/** Out of the loader's sight at once; a kill then leaves rubbish with a name that is swept, never half a pack. */
export async function removeFolder(folder: string): Promise<void> {
  const away = tempName(folder);
  await rename(folder, away);
  await rm(away, { recursive: true, force: true });
}

/** Removes every installed version of a pack. @returns the bytes that were freed @throws provider.not-installed */
export async function removePack(dir: string, name: string): Promise<number> {
  const packs = (await installedPacks(dir)).filter((pack) => pack.name === name);
  if (packs.length === 0) throw misused('not-installed', `The provider pack ${name} is not installed.`, { hint: 'edgewright provider list shows what is.' });
  for (const pack of packs) await removeFolder(pack.folder);
  return packs.reduce((sum, pack) => sum + pack.bytes, 0);
}

/**
 * The folders that a runner's loader must search first, so that the packs for this ONNX Runtime are found.
 * @param ort version and library folder of the ONNX Runtime that runners load
 */
export async function packLibraryFolders(dir: string, ort: { version: string; dir: string }): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const fitting = (await installedPacks(dir)).filter(
    (pack) => pack.onnxruntime === ort.version && pack.platform === process.platform && pack.arch === process.arch,
  );
  // The newest of a pack's versions; ONNX Runtime's library can stand in one folder only, so there is one pack per machine.
  const newest = fitting.sort((a, b) => b.revision - a.revision)[0];
  if (!newest) return [];
  await linkOnnxRuntime(newest.folder, join(ort.dir, ORT_LIBRARY));
  return [newest.folder];
}

/** The program may have moved or been updated since the pack was installed. */
async function linkOnnxRuntime(folder: string, target: string): Promise<void> {
  const link = join(folder, ORT_LIBRARY);
  if ((await readlink(link).catch(() => undefined)) === target) return;
  const temp = tempName(link);
  await symlink(target, temp);
  await rename(temp, link);
}
