/**
 * Writing a variant out as a folder that any OpenSSF Model Signing verifier can judge: exactly the signed files, the signature
 * and the key it was made with. Whole or not at all, and never over anything.
 */
import { chmod, lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Extracted } from '#contract';
import { ensureDir, freeBytes, fsyncDir, tempName, writeFileAtomic } from '#core/platform';
import { MAX_SIGNATURE_BYTES, PUBLIC_KEY_FILE, SIGNATURE_FILE, type TrustAnchors, verifySignature } from '#core/trust';
import { altered, broken, misused } from './errors.ts';
import { writeHashed } from './ingest.ts';
import { DISK_MARGIN_BYTES, MAX_BLOB_BYTES } from './limits.ts';
import type { LayerFile } from './layer-file.ts';
import { findReferrers } from './referrers.ts';
import type { Options } from './staging.ts';
import { type BlobStore, missing } from './store.ts';
import type { ResolvedBundle } from './variant.ts';

/** Files of the person's own, as any program makes them. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

/**
 * @param dir a folder that is not there, or is empty
 * @throws usage.not-empty, usage.not-a-folder; bundle.no-key-signature (trust); store.blob-*; machine.disk-full
 */
export async function extractBundle(store: BlobStore, bundle: ResolvedBundle, dir: string, anchors: TrustAnchors, options: Options = {}): Promise<Extracted> {
  await checkTarget(dir);
  const files = [...bundle.files.values()];
  const signature = await signatureWithKey(store, bundle, files, anchors);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  await ensureDir(dirname(dir), FOLDER_MODE);
  const free = await freeBytes(dirname(dir));
  if (free < bytes + DISK_MARGIN_BYTES) {
    throw broken('machine.disk-full', 'The disk has no room for the files.', {
      expected: `${bytes + DISK_MARGIN_BYTES} bytes free`,
      found: `${free} bytes free`,
    });
  }
  const temp = tempName(dir);
  await mkdir(temp, { mode: FOLDER_MODE });
  try {
    await writeAll(store, files, temp, bytes, options);
    await writeFileAtomic(join(temp, SIGNATURE_FILE), signature.bytes, { mode: FILE_MODE });
    await writeFileAtomic(join(temp, PUBLIC_KEY_FILE), signature.publicKeyPem, { mode: FILE_MODE });
    // An empty folder gives way; one in which something appeared meanwhile does not.
    await rmdir(dir).catch(() => {});
    await checkTarget(dir);
    await rename(temp, dir);
    await fsyncDir(dirname(dir));
  } catch (error) {
    await rm(temp, { recursive: true, force: true });
    throw error;
  }
  const { name, version, variant } = bundle;
  return { name, version, variant: variant.name, digest: variant.digest, dir, files: files.length, bytes, signer: signature.signer };
}

async function checkTarget(dir: string): Promise<void> {
  const there = await lstat(dir).catch(() => undefined);
  if (!there) return;
  if (!there.isDirectory()) throw misused('usage.not-a-folder', `${dir} is there and is no folder.`, { hint: 'Name a folder that is not there yet.' });
  if ((await readdir(dir)).length > 0)
    throw misused('usage.not-empty', `${dir} is not empty.`, { hint: 'Name a folder that is empty or not there yet: nothing is ever overwritten.' });
}

/** Copies, never links: what a person changes in his folder must change nothing in the store. */
async function writeAll(store: BlobStore, files: readonly LayerFile[], dir: string, total: number, options: Options): Promise<void> {
  const folders = new Set([dir]);
  let done = 0;
  for (const file of files) {
    if (!(await store.has(file.digest))) throw missing(file.digest);
    const target = join(dir, file.path);
    for (let folder = dirname(target); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
    await ensureDir(dirname(target), FOLDER_MODE);
    const onBytes = (bytes: number) => {
      done += bytes;
      options.onProgress?.({ step: `Writing ${file.path}`, fraction: total === 0 ? 1 : Math.min(1, done / total) });
    };
    options.signal?.throwIfAborted();
    // The signal goes to the reader alone: a stream that nobody reads yet would throw it at the process.
    const stream = store.stream(file.digest);
    await writeHashed(stream, target, { digest: file.digest, size: file.bytes, maxBytes: MAX_BLOB_BYTES }, { signal: options.signal, onBytes });
    await chmod(target, FILE_MODE);
  }
  for (const folder of folders) await fsyncDir(folder);
}

/** This workspace's own signature, or that of a trusted key: one that a verifier can check with a public key alone. */
async function signatureWithKey(
  store: BlobStore,
  { variant }: ResolvedBundle,
  files: readonly LayerFile[],
  anchors: TrustAnchors,
): Promise<{ bytes: Buffer; publicKeyPem: string; signer: string }> {
  const named = files.map(({ path, digest }) => ({ name: path, digest }));
  const found: { bytes: Buffer; publicKeyPem: string; signer: string; own: boolean }[] = [];
  for (const { kind, content } of await findReferrers(store, variant.digest)) {
    if (kind !== 'signature') continue;
    const bytes = await store.read(content.digest, MAX_SIGNATURE_BYTES);
    try {
      const { by } = verifySignature(bytes, anchors, named);
      const key = anchors.keys.find((one) => one.id === by.id && one.certificate === undefined)?.key;
      if (key) found.push({ bytes, publicKeyPem: key.export({ type: 'spki', format: 'pem' }).toString(), signer: by.id, own: by.kind === 'self' });
    } catch {
      // By a stranger: another one counts.
    }
  }
  const chosen = found.find((one) => one.own) ?? found[0];
  if (chosen) return chosen;
  throw altered('bundle.no-key-signature', 'No signature of the bundle can be checked with a public key alone.', {
    hint: 'Run edgewright bundle verify on it with unlocked keys, so that this workspace signs it too.',
  });
}
