/** Anyone's OpenSSF Model Signing signature over a folder or a file, judged (§8). */
import { asEdgewrightError, type Judged } from '#contract';
import { type Signer, type TrustAnchors, trusts } from './anchors.ts';
import { readCertificate } from './certificate-path.ts';
import { type Envelope, readEnvelope } from './dsse.ts';
import { distrust } from './errors.ts';
import { type FolderFile, hashFolderFile, type Walked, walkFolder } from './folder-files.ts';
import { MAX_DIFFERENCES_SHOWN, MAX_FOLDER_SIGNATURE_BYTES } from './limits.ts';
import { ALWAYS_IGNORED, PUBLIC_KEY_FILE, SIGNATURE_FILE } from './oms.ts';
import { LEGACY } from './oms-legacy.ts';
import { readStatement, type SignedEntry, type SignedSet } from './oms-statement.ts';
import { differ, findSigner } from './oms-verify.ts';

export interface JudgeOptions {
  anchors: TrustAnchors;
  /** The one method that is accepted; absent: a key or a certificate, as the signature says. */
  method?: 'key' | 'certificate';
  /** Where the signature lies: it is no part of the folder. */
  signaturePath: string;
  /** Paths inside the folder that need not be signed. */
  ignore: readonly string[];
  ignoreUnsigned: boolean;
  /** Milliseconds since the epoch. */
  now: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { step: string; fraction: number }) => void) | undefined;
}

type Note = Judged['warnings'][number];

/**
 * @param target the folder, or the one file, that was signed
 * @param signature the bytes of the signature file
 * @throws trust.signature-*, trust.signer-unknown, trust.certificate-*, trust.folder-unfit, trust.files-differ
 */
export async function judgeFolder(target: string, signature: Uint8Array, options: JudgeOptions): Promise<Judged> {
  const envelope = readEnvelope(signature, MAX_FOLDER_SIGNATURE_BYTES);
  const { method } = envelope.material;
  if (options.method !== undefined && method !== options.method) throw otherMethod(method, options.method);
  const { signer, set } = open(envelope, options);
  const { allowSymlinks } = set;
  const walked = await walkFolder(target, {
    allowSymlinks,
    ignore: [...set.ignorePaths, ...options.ignore],
    except: [options.signaturePath],
    lenient: options.ignoreUnsigned,
    signal: options.signal,
  });
  const signed = Map.groupBy(set.entries, (entry) => (entry.path === '.' && walked.single ? (walked.files[0]?.path ?? '.') : entry.path));
  const files = checkNames(walked, signed, set, options.ignoreUnsigned);
  await checkContent(files, signed, set, options);
  const chain = envelope.material.method === 'certificate' ? envelope.material.chain : [];
  return {
    method: method === 'certificate' ? 'certificate' : 'key',
    signer: { id: signer.id, name: signer.name, ...(chain[0] && { subject: readCertificate(chain[0]).subject }) },
    subject: set.subject,
    serialization: { method: set.method, hash: set.hash, ...(set.shardSize !== undefined && { shardSize: set.shardSize }) },
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    warnings: notes(set, walked, signed),
  };
}

/** Who signed, and what. Nothing of the payload is believed before its signature was checked. */
function open(envelope: Envelope, { anchors, now }: JudgeOptions): { signer: Signer; set: SignedSet } {
  try {
    const signer = findSigner(envelope, anchors, now);
    const set = readStatement(envelope.payload);
    if (signer.kind === 'self' && set.acceptedFrom.length > 0 && !set.acceptedFrom.some((id) => trusts(anchors, id)))
      throw distrust('signer-removed', 'It was accepted here from a signer who is no longer trusted.');
    return { signer, set };
  } catch (error) {
    if (asEdgewrightError(error).code !== 'trust.signature-wrong') throw error;
    const old = openLegacy(envelope, anchors, now);
    if (!old) throw error;
    return old;
  }
}

/** Whoever signed by the old encoding signed the old form: the new one under it would be a trick. */
function openLegacy(envelope: Envelope, anchors: TrustAnchors, now: number): { signer: Signer; set: SignedSet } | undefined {
  try {
    const signer = findSigner(envelope, anchors, now, LEGACY);
    const set = readStatement(envelope.payload);
    return set.deprecated ? { signer, set } : undefined;
  } catch {
    return undefined;
  }
}

/** Both ways, before anything is hashed. @returns the files that are signed */
function checkNames(walked: Walked, signed: ReadonlyMap<string, SignedEntry[]>, set: SignedSet, ignoreUnsigned: boolean): FolderFile[] {
  const there = new Map(walked.files.map((file) => [file.path, file]));
  const missing = [...signed.keys()].filter((path) => !there.has(path)).map((path) => `${path} is signed but missing`);
  // By shards, an empty file has nothing to list (§6.3.2). Some signers do not look into linked folders: those files are signed by their own paths.
  const isNamed = ({ path, linkedTo }: FolderFile) => signed.has(path) || (linkedTo !== undefined && signed.has(linkedTo));
  const extra = walked.files.filter((file) => !isNamed(file) && !(set.method === 'shards' && file.size === 0));
  const problems = [...missing, ...(ignoreUnsigned ? [] : extra.map((file) => `${file.path} is not signed`))];
  if (problems.length > 0) throw differ(several(problems));
  return walked.files.filter((file) => signed.has(file.path));
}

async function checkContent(files: readonly FolderFile[], signed: ReadonlyMap<string, SignedEntry[]>, set: SignedSet, options: JudgeOptions): Promise<void> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const altered: string[] = [];
  let done = 0;
  for (const file of files) {
    const onBytes = (bytes: number) => {
      done += bytes;
      options.onProgress?.({ step: `Reading ${file.path}`, fraction: total === 0 ? 1 : Math.min(1, done / total) });
    };
    const found = await hashFolderFile(file, set.hash, set.shardSize, { followLinks: set.allowSymlinks, signal: options.signal, onBytes });
    const parts = [...(signed.get(file.path) ?? [])].sort((a, b) => (a.range?.start ?? 0) - (b.range?.start ?? 0));
    const same = parts.length === found.length && parts.every((part, i) => part.digest === found[i]) && (parts.at(-1)?.range?.end ?? file.size) === file.size;
    if (!same) altered.push(`${file.path} was altered`);
  }
  if (altered.length > 0) throw differ(several(altered));
}

function several(problems: readonly string[]): string {
  const shown = problems.slice(0, MAX_DIFFERENCES_SHOWN).map((one) => one.slice(0, 300));
  const more = problems.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function notes(set: SignedSet, walked: Walked, signed: ReadonlyMap<string, SignedEntry[]>): Note[] {
  const found: Note[] = [];
  const add = (code: string, message: string) => found.push({ code: `signature.${code}`, message });
  if (set.deprecated) add('deprecated', 'The signature has the deprecated form of release 0.2.0. Ask the signer for a new one.');
  const known = [...ALWAYS_IGNORED, SIGNATURE_FILE, PUBLIC_KEY_FILE];
  const leftOut = set.ignorePaths.filter((path) => walked.ignored.includes(path) && !known.includes(path));
  if (leftOut.length > 0) add('left-out', `The signer left these out, so nothing is known of them: ${several(leftOut)}.`);
  if (walked.outside.length > 0) add('links-outside', `These are links to files outside the folder: ${several(walked.outside)}.`);
  const empty = walked.files.filter((file) => !signed.has(file.path) && file.size === 0).map((file) => file.path);
  if (set.method === 'shards' && empty.length > 0) add('empty-files', `Empty files are not covered by a signature over shards: ${several(empty)}.`);
  return found;
}

function otherMethod(found: string, expected: string) {
  return distrust('signature-method', `The signature was made by another method.`, { expected: `the method "${expected}"`, found: `the method "${found}"` });
}
