/** SHA-256 digests as OCI writes them. */
import { createHash } from 'node:crypto';
import { DigestSchema } from '#contract';
import { misused } from './errors.ts';

const PREFIX = 'sha256:';

/** `sha256:` and the hex digest of these bytes (text as UTF-8). */
export function digestOf(data: Uint8Array | string): string {
  return PREFIX + createHash('sha256').update(data).digest('hex');
}

/** The hex part of a digest. It becomes a file name, so nothing that is not a digest gets through. */
export function hexOf(digest: string): string {
  if (!DigestSchema.safeParse(digest).success)
    throw misused('usage.digest', 'This is not a digest.', { expected: 'sha256: and 64 hex digits', found: digest.slice(0, 80) });
  return digest.slice(PREFIX.length);
}

export function digestFromHex(hex: string): string {
  return PREFIX + hex;
}
