/** What an OpenSSF Model Signing statement says, once its signature was found to be good. Sections are those of the specification. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { malformed, parseAs, parseJson, STATEMENT_TYPE } from './dsse.ts';
import { distrust } from './errors.ts';
import { MAX_SIGNED_ENTRIES, MAX_SIGNED_PATH_BYTES } from './limits.ts';

export const PREDICATE_TYPE = 'https://model_signing/signature/v1.0';
/** §5.1: of release 0.2.0; may be read, must not be made. */
export const DEPRECATED_PREDICATE_TYPE = 'https://model_signing/Digests/v0.1';
/** In our own signatures, on the subject: made because these signers were trusted. Others' verifiers do not look at it. */
export const ACCEPTED_FROM = 'dev.edgewright.accepted-from';

/** Hex digits of a digest. BLAKE3, the specification's third and optional one, is not in Node's library. */
const DIGEST_CHARS = { sha256: 64, blake2b: 128 } as const;
export type HashType = keyof typeof DIGEST_CHARS;

export interface SignedEntry {
  /** Path of the file, `/` between parts. `.` where the one file that was signed has no name. */
  path: string;
  /** Hex. */
  digest: string;
  /** The bytes it covers, where the file was split. */
  range?: { start: number; end: number };
}

export interface SignedSet {
  /** What the signer called it: information only (§6.5). */
  subject: string;
  method: 'files' | 'shards';
  hash: HashType;
  shardSize?: number;
  allowSymlinks: boolean;
  /** Paths the signer left out on purpose. */
  ignorePaths: string[];
  entries: SignedEntry[];
  /** Fingerprints; see ACCEPTED_FROM. */
  acceptedFrom: string[];
  /** The form of release 0.2.0, which says nothing of how files were looked for. */
  deprecated: boolean;
}

const Hex = z.string().regex(/^[0-9a-f]{2,256}$/);
const Subject = z.looseObject({ name: z.string().min(1), digest: z.looseObject({ sha256: Hex.length(DIGEST_CHARS.sha256) }) });

const HeadSchema = z.looseObject({ _type: z.literal(STATEMENT_TYPE), predicateType: z.string() });

const StatementSchema = z.looseObject({
  subject: z.array(Subject.extend({ annotations: z.record(z.string(), z.unknown()).optional() })).length(1),
  predicate: z.looseObject({
    resources: z
      .array(z.looseObject({ name: z.string(), digest: Hex, algorithm: z.string() }))
      .min(1)
      .max(MAX_SIGNED_ENTRIES),
    serialization: z.looseObject({
      method: z.enum(['files', 'shards']),
      hash_type: z.string(),
      shard_size: z.number().int().positive().optional(),
      allow_symlinks: z.boolean(),
      ignore_paths: z.array(z.string()).optional(),
    }),
  }),
});

const DeprecatedSchema = z.looseObject({ subject: z.array(Subject).min(1).max(MAX_SIGNED_ENTRIES) });

/**
 * @param payload whose signature is known to be good
 * @throws trust.signature-malformed, trust.signature-unsupported
 */
export function readStatement(payload: Uint8Array): SignedSet {
  const value = parseJson(payload);
  const what = 'the signed statement';
  const { predicateType } = parseAs(HeadSchema, value, what);
  if (predicateType === DEPRECATED_PREDICATE_TYPE) return readDeprecated(parseAs(DeprecatedSchema, value, what));
  if (predicateType !== PREDICATE_TYPE) throw malformed(`${what} is of another kind (${predicateType.slice(0, 100)})`);
  const { subject, predicate } = parseAs(StatementSchema, value, what);
  const { resources, serialization } = predicate;
  const { method, hash_type: hash, shard_size: shardSize } = serialization;
  if (!isHashType(hash)) throw unsupported(`the hash ${hash.slice(0, 40)}`);
  if ((method === 'shards') !== (shardSize !== undefined))
    throw malformed(`a shard size ${shardSize === undefined ? 'is missing' : 'is given for whole files'}`);
  // The reference implementation writes the shards' size into the name of the hash (§6.3.2 has the plain name).
  const algorithms = method === 'shards' ? [hash, `${hash}-sharded-${shardSize}`] : [hash];
  const wrong = resources.find((one) => !algorithms.includes(one.algorithm) || one.digest.length !== DIGEST_CHARS[hash]);
  if (wrong) throw malformed(`${what} has a digest that is not one of ${hash} (${wrong.algorithm.slice(0, 40)})`);
  if (subject[0]?.digest.sha256 !== rootDigest(resources.map((one) => one.digest))) throw malformed('its root digest does not follow from its files');
  const entries = resources.map(({ name, digest }) => ({ ...(method === 'shards' ? shardOf(name) : { path: name }), digest }));
  checkEntries(entries, shardSize);
  return {
    subject: subject[0].name,
    method,
    hash,
    ...(shardSize !== undefined && { shardSize }),
    allowSymlinks: serialization.allow_symlinks,
    ignorePaths: serialization.ignore_paths ?? [],
    entries,
    acceptedFrom: acceptedFrom(subject[0].annotations?.[ACCEPTED_FROM]),
    deprecated: false,
  };
}

function readDeprecated({ subject }: z.infer<typeof DeprecatedSchema>): SignedSet {
  const entries = subject.map(({ name, digest }) => ({ path: name, digest: digest.sha256 }));
  checkEntries(entries, undefined);
  return { subject: 'a model', method: 'files', hash: 'sha256', allowSymlinks: false, ignorePaths: [], entries, acceptedFrom: [], deprecated: true };
}

function isHashType(text: string): text is HashType {
  return Object.hasOwn(DIGEST_CHARS, text);
}

function acceptedFrom(value: unknown): string[] {
  return z.array(Hex.length(DIGEST_CHARS.sha256)).safeParse(value).data ?? [];
}

/** §6.3.2: a file's name may hold colons itself, so the last two parts count. */
function shardOf(name: string): { path: string; range: { start: number; end: number } } {
  const [, path, start, end] = /^(.*):(0|[1-9]\d{0,15}):([1-9]\d{0,15})$/s.exec(name) ?? [];
  if (path === undefined) throw malformed('it names a shard that is none');
  return { path, range: { start: Number(start), end: Number(end) } };
}

/** Every path canonical, nothing twice, and the shards of a file without gap or overlap. */
function checkEntries(entries: readonly SignedEntry[], shardSize: number | undefined): void {
  const files = Map.groupBy(entries, (entry) => entry.path);
  for (const [path, parts] of files) {
    if (!isCanonicalPath(path) && !(path === '.' && files.size === 1))
      throw malformed(`it names a file by a path that is not canonical (${path.slice(0, 100)})`);
    if (shardSize === undefined) {
      if (parts.length > 1) throw malformed(`it lists a file twice (${path.slice(0, 100)})`);
      continue;
    }
    const ranges = parts.map((part) => part.range ?? { start: 0, end: 0 }).sort((a, b) => a.start - b.start);
    const sound = ranges.every(({ start, end }, i) => {
      const size = end - start;
      return start === i * shardSize && (i < ranges.length - 1 ? size === shardSize : size > 0 && size <= shardSize);
    });
    if (!sound) throw malformed(`the shards of a file have gaps or overlap (${path.slice(0, 100)})`);
  }
}

/** §6.5.1: SHA-256 over the raw digests in the order of the list. */
export function rootDigest(hexDigests: readonly string[]): string {
  const hash = createHash('sha256');
  for (const hex of hexDigests) hash.update(Buffer.from(hex, 'hex'));
  return hash.digest('hex');
}

/** §6.1.2: relative, `/` between parts, no `.` or `..` or empty part, valid Unicode. */
export function isCanonicalPath(name: string): boolean {
  return (
    name.isWellFormed() &&
    Buffer.byteLength(name) <= MAX_SIGNED_PATH_BYTES &&
    !name.includes('\0') &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** What OMS allows and this program cannot judge. */
export function unsupported(what: string) {
  return distrust('signature-unsupported', `The signature uses ${what}, which is not supported here.`, {
    expected: 'SHA-256 or BLAKE2b over files or shards, signed with a key or a certificate',
    hint: 'Verify it with another OpenSSF Model Signing tool, or ask the signer for one of these forms.',
  });
}
