/**
 * What refers to a variant besides the signatures of its files, judged: bills of materials, and signed statements. A bill is
 * worth what is stated about it: it counts when somebody trusted signed a statement that holds exactly this bill, and the bill
 * describes exactly this variant.
 */
import { asEdgewrightError } from '#contract';
import { BOM_PREDICATE, MAX_SIGNATURE_BYTES, openAttestation, type Signer, type TrustAnchors } from '#core/trust';
import { type BomSubject, judgeBom } from './bom-check.ts';
import { digestOf } from './digests.ts';
import { altered } from './errors.ts';
import { MAX_MANIFEST_BYTES, MAX_SOURCE_BYTES } from './limits.ts';
import { parseManifest } from './oci.ts';
import { SOURCE_FILE } from './paths.ts';
import { findReferrers, type Referrer } from './referrers.ts';
import { isStranger } from './signatures.ts';
import { parseSource } from './source-schema.ts';
import type { BlobStore } from './store.ts';
import { fileNamed, layerFiles } from './variant.ts';

/** One of them, judged. */
export interface JudgedAttachment {
  kind: 'bom' | 'attestation';
  /** Digest of the manifest that holds it. */
  digest: string;
  /** Digest of the bill or the statement itself. */
  content: string;
  /** What a statement that counts states, as in-toto names it. */
  predicateType?: string;
  /** Which revision of the variant's bill it is, or is about. */
  revision?: number;
  /** Who stated it, where that counts. */
  by?: Signer;
  /** Why it does not count. */
  problem?: { code: string; message: string };
}

/** Reads a small document by its digest. */
export type ReadDocument = (digest: string, maxBytes: number) => Promise<Buffer>;

/**
 * Judges whatever refers to a variant of the store and is no signature of its files.
 * @param candidates see findReferrers
 * @throws what reading the store throws; never for what does not count
 */
export async function judgeAttachments(store: BlobStore, digest: string, anchors: TrustAnchors, candidates?: readonly string[]): Promise<JudgedAttachment[]> {
  const files = layerFiles(parseManifest(await store.read(digest, MAX_MANIFEST_BYTES)));
  const { name, version } = parseSource((await store.read(fileNamed(files, SOURCE_FILE).digest, MAX_SOURCE_BYTES)).toString('utf8'));
  const referrers = await findReferrers(store, digest, candidates);
  return judgeReferrers({ name, version, digest, files: [...files.values()] }, referrers, anchors, (one, maxBytes) => store.read(one, maxBytes));
}

/** The same for referrers that may not be in a store yet. */
export async function judgeReferrers(
  subject: BomSubject,
  referrers: readonly Pick<Referrer, 'kind' | 'digest' | 'content'>[],
  anchors: TrustAnchors,
  read: ReadDocument,
): Promise<JudgedAttachment[]> {
  const judged: JudgedAttachment[] = [];
  /** Bills that somebody trusted stated, by their digest. */
  const stated = new Map<string, JudgedAttachment>();
  /** Statements about bills that do not count because of who made them. */
  let foreign: JudgedAttachment['problem'];
  for (const { kind, digest, content } of referrers) {
    if (kind !== 'attestation') continue;
    const { one, bill } = await judgeStatement({ digest, content: content.digest }, subject, anchors, read);
    judged.push(one);
    if (bill !== undefined && isBetter(one, stated.get(bill))) stated.set(bill, one);
    if (one.problem && bill === undefined) foreign ??= one.problem;
  }
  const bills = referrers.filter(({ kind }) => kind === 'bom');
  // Where somebody trusted stated a bill that is not here, another one may lie in its place.
  const isLost = [...stated.keys()].some((bill) => !bills.some(({ content }) => content.digest === bill));
  for (const { digest, content } of bills) {
    const { revision, by, problem } = stated.get(content.digest) ?? { problem: isLost ? ALTERED : (foreign ?? UNSIGNED) };
    judged.push({ kind: 'bom', digest, content: content.digest, ...(revision !== undefined && { revision }), ...(by && { by }), ...(problem && { problem }) });
  }
  return judged;
}

const ALTERED = { code: 'trust.bom-altered', message: 'The bill of materials is not the one that was signed.' };
const UNSIGNED = { code: 'trust.bom-unsigned', message: 'Nobody who is trusted here signed this bill of materials.' };

/** @returns the statement, and the digest of the bill it is about where somebody trusted made it */
async function judgeStatement(
  about: { digest: string; content: string },
  subject: BomSubject,
  anchors: TrustAnchors,
  read: ReadDocument,
): Promise<{ one: JudgedAttachment; bill?: string }> {
  const kind = 'attestation';
  try {
    const { by, predicateType, predicate } = openAttestation(await read(about.content, MAX_SIGNATURE_BYTES), anchors, subject.digest);
    if (predicateType !== BOM_PREDICATE) return { one: { kind, ...about, predicateType, by } };
    const { bytes, revision, problem } = judgeBom(predicate, subject);
    const verdict = problem ? { problem: { code: problem.code, message: problem.message } } : { by };
    return { one: { kind, ...about, predicateType, revision, ...verdict }, bill: digestOf(bytes) };
  } catch (error) {
    const { code, message } = asEdgewrightError(error);
    return { one: { kind, ...about, problem: { code, message } } };
  }
}

function isBetter(one: JudgedAttachment, other: JudgedAttachment | undefined): boolean {
  return other === undefined || (one.by !== undefined && (other.by === undefined || (isBySelf(one) && !isBySelf(other))));
}

function isBySelf({ by }: JudgedAttachment): boolean {
  return by?.kind === 'self';
}

/** The bill that counts: the newest revision of the own ones, else of anybody's who is trusted. */
export function countingBom(attached: readonly JudgedAttachment[]): (JudgedAttachment & { by: Signer }) | undefined {
  return attached
    .flatMap((one) => (one.kind === 'bom' && one.by ? [{ ...one, by: one.by }] : []))
    .sort((a, b) => Number(isBySelf(b)) - Number(isBySelf(a)) || (b.revision ?? 0) - (a.revision ?? 0) || (a.digest < b.digest ? -1 : 1))[0];
}

/** Why no bill of a variant counts: what is wrong with a trusted one says more than that there is a stranger's. */
export function bomProblem(attached: readonly JudgedAttachment[]): { code: string; message: string; digest?: string } | undefined {
  if (countingBom(attached)) return undefined;
  const problems = attached.flatMap(({ digest, kind, problem }) => (problem && (kind === 'bom' || isAboutBom(problem.code)) ? [{ ...problem, digest }] : []));
  return problems.find(({ code }) => isBomAltered(code)) ?? problems[0] ?? { code: 'trust.no-bom', message: 'The variant has no bill of materials.' };
}

function isAboutBom(code: string): boolean {
  return code.startsWith('trust.bom-');
}

/** Whether a bill does not count because of what was made of it, as against who made it or that nobody did. */
export function isBomAltered(code: string): boolean {
  return isAboutBom(code) && code !== UNSIGNED.code && !isStranger(code);
}

/**
 * What a device holds a variant to: a bill of materials that somebody trusted signed, about this very variant.
 * @param candidates digests of what was sent
 * @throws trust.no-bom, trust.bom-*, trust.signer-unknown and the like
 */
export async function verifyVariantBom(store: BlobStore, digest: string, anchors: TrustAnchors, candidates: readonly string[]): Promise<void> {
  const problem = bomProblem(await judgeAttachments(store, digest, anchors, candidates));
  if (!problem) return;
  throw altered(problem.code, problem.message, {
    expected: 'a bill of materials of this variant, signed by the workspace of this device',
    hint: 'Deploy it again from an up-to-date Edgewright: it makes and signs what is lacking.',
  });
}
