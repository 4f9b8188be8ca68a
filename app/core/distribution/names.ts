/** What may stand in an address of the distribution API: repository names, tags and digests (distribution-spec 1.1, "Pulling manifests"). */
import { createHash, type Hash } from 'node:crypto';
import { MAX_REPOSITORY_LENGTH } from './limits.ts';

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** The digests that are computed and checked: the two that image-spec registers and requires. */
const HEX_LENGTH = { sha256: 64, sha512: 128 } as const;
export type Algorithm = keyof typeof HEX_LENGTH;
const DIGEST = /^(sha256|sha512):([0-9a-f]+)$/;

export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_REPOSITORY_LENGTH && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** undefined for anything that is no digest of an algorithm we compute. */
export function algorithmOf(digest: string): Algorithm | undefined {
  const match = DIGEST.exec(digest);
  const algorithm = match?.[1] as Algorithm | undefined;
  return algorithm && match?.[2]?.length === HEX_LENGTH[algorithm] ? algorithm : undefined;
}

export function isDigest(text: string): boolean {
  return algorithmOf(text) !== undefined;
}

export function newHash(algorithm: Algorithm): Hash {
  return createHash(algorithm);
}

/** `sha512:…` of these bytes. */
export function digestWith(algorithm: Algorithm, bytes: Uint8Array): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
