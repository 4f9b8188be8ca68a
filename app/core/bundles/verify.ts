/**
 * Reading a bundle again, every byte and every signature. What is found decides whether it may be used: a damaged one is
 * quarantined, one that is whole and signed by somebody trusted is released.
 */
import type { VerifyResult } from '#contract';
import { bomProblem, isBomAltered, type JudgedAttachment, judgeAttachments } from './attachments.ts';
import type { TrustAnchors } from '#core/trust';
import { acceptBundle, isOwn } from './accept.ts';
import type { BundleRecord, ClosureEntry, VariantRecord } from './catalogue.ts';
import type { RegistryParts } from './commit.ts';
import { MAX_READ_AGAIN } from './limits.ts';
import type { Progress } from './staging.ts';
import { type JudgedSignature, judgeSignatures } from './signatures.ts';
import { referrersOf, signaturesOf, warningsOf } from './shown.ts';
import { type Problem, signatureProblem, signerOf, trustProblem } from './standing.ts';
import type { BlobStore } from './store.ts';

export interface VerifyOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** @throws what reading the store throws, and AbortError; never for what is found wrong */
export async function verifyBundle(parts: RegistryParts, record: BundleRecord, options: VerifyOptions = {}): Promise<VerifyResult> {
  for (let at = record, again = 0; ; again++) {
    const result = await verifyOnce(parts, at, options);
    // What was found is of the content that was read: what took its place meanwhile is read too.
    const now = parts.catalogue.find(at.name, at.version);
    if (!now || now.digest === at.digest || again === MAX_READ_AGAIN) return result;
    at = now;
  }
}

async function verifyOnce(parts: RegistryParts, record: BundleRecord, options: VerifyOptions): Promise<VerifyResult> {
  const { store, catalogue, trust } = parts;
  const { name, version } = record;
  const read = await readAll(store, record, options);
  const anchors = trust.anchors();
  const variants = await judgeAll(store, record.variants, anchors);
  const unsigned = signatureProblem(variants);
  const distrusted = trustProblem(variants);
  const [damage] = read.bad;
  const problem = damage ? damageOf(damage) : distrusted;
  if (problem) {
    catalogue.blame(record, problem.code === 'store.blob-missing' ? 'incomplete' : 'quarantined', problem);
  } else {
    // Locked keys stop nobody from reading: this workspace signs it when it is sent to a device, which needs the keys anyway.
    if (!variants.every(isOwn) && parts.keyring.unlocked) await acceptBundle(parts, record, false);
    if (record.state !== 'sound') catalogue.release(record, anchors.digest);
  }
  const now = catalogue.find(name, version)?.variants ?? variants;
  const signatures = signaturesOf(now);
  const signer = signatures.find((one) => one.trusted)?.signer;
  const bad = [...read.bad];
  if (!damage && unsigned)
    bad.push({
      digest: variants.find((v) => v.signer === undefined)?.variant.digest ?? record.digest,
      problem: unsigned.reason,
      affects: `${name}@${version} signature`,
    });
  if (!damage) bad.push(...badBoms(record, variants));
  return {
    ok: bad.length === 0 && variants.length > 0,
    name,
    version,
    digest: record.digest,
    signed: variants.length > 0 && unsigned === undefined,
    ...(signer !== undefined && { signer }),
    signatures,
    referrers: referrersOf(now),
    warnings: warningsOf(record, now),
    blobs: read.blobs,
    bytes: read.bytes,
    bad,
  };
}

/** Bills of materials that were altered; that there is none is no damage. */
function badBoms({ name, version }: BundleRecord, variants: readonly VariantRecord[]): Bad[] {
  return variants.flatMap(({ variant, attached }) => {
    const problem = bomProblem(attached);
    const affects = `${name}@${version}#${variant.name} bill of materials`;
    return problem && isBomAltered(problem.code) ? [{ digest: problem.digest ?? variant.digest, problem: problem.message, affects }] : [];
  });
}

type Bad = VerifyResult['bad'][number];

async function readAll(store: BlobStore, record: BundleRecord, options: VerifyOptions): Promise<{ bad: Bad[]; blobs: number; bytes: number }> {
  const ref = `${record.name}@${record.version}`;
  const owned = [{ owner: ref, entries: record.closure }, ...record.variants.map((v) => ({ owner: `${ref}#${v.variant.name}`, entries: v.closure }))];
  const all = new Map<string, { owner: string; entry: ClosureEntry }>();
  for (const { owner, entries } of owned) for (const entry of entries) if (!all.has(entry.digest)) all.set(entry.digest, { owner, entry });
  const bytes = [...all.values()].reduce((sum, { entry }) => sum + entry.size, 0);
  const bad: Bad[] = [];
  let done = 0;
  for (const { owner, entry } of all.values()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: `Reading ${entry.path || entry.role} of ${ref}`, fraction: bytes === 0 ? 1 : done / bytes });
    const problem = await blobProblem(store, entry, options.signal);
    if (problem !== undefined) bad.push({ digest: entry.digest, problem, affects: `${owner} ${entry.path || entry.role}` });
    done += entry.size;
  }
  return { bad, blobs: all.size, bytes };
}

async function blobProblem(store: BlobStore, entry: ClosureEntry, signal: AbortSignal | undefined): Promise<string | undefined> {
  const size = await store.size(entry.digest);
  if (size === undefined) return 'missing';
  if (size !== entry.size) return `${size} bytes long instead of ${entry.size}`;
  return (await store.verify(entry.digest, signal)) ? undefined : 'altered: its bytes do not have its digest';
}

function damageOf({ problem, affects }: Bad): Problem {
  return { code: problem === 'missing' ? 'store.blob-missing' : 'store.blob-altered', reason: `${affects}: ${problem}.` };
}

async function judgeAll(store: BlobStore, variants: readonly VariantRecord[], anchors: TrustAnchors): Promise<VariantRecord[]> {
  const judged: VariantRecord[] = [];
  for (const one of variants) {
    // A document that cannot be read is damage, which is reported as such.
    const signatures = await judgeSignatures(store, one.variant.digest, anchors).catch((): JudgedSignature[] => []);
    const attached = await judgeAttachments(store, one.variant.digest, anchors).catch((): JudgedAttachment[] => []);
    judged.push({ ...one, signatures, attached, signer: signerOf(signatures) });
  }
  return judged;
}
