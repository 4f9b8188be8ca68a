/** What is trusted, in words. */
import type { OfferedSigner, SignerKind } from '#contract';
import { exact } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';

export const ROLE: Record<SignerKind, string> = { self: 'This workspace', signer: 'Signer', administrator: 'Administrator' };

type Material = Pick<OfferedSigner, 'material' | 'algorithm' | 'subject' | 'validUntil'>;

/** What a trusted entry lets count. */
export function materialWords({ material, algorithm, subject = 'nobody named', validUntil }: Material): string {
  const until = validUntil === undefined ? '' : `, valid until ${exact(validUntil)}`;
  if (material === 'key') return `A public key, ${algorithm}`;
  if (material === 'certificate') return `The key in the certificate of ${plainName(subject)}, ${algorithm}${until}`;
  return `Everyone whose certificate ${plainName(subject)} issued for signing${until}`;
}

/** A fingerprint in groups of four, as people read it to each other. */
export function grouped(fingerprint: string): string {
  return fingerprint.replaceAll(/(.{4})(?=.)/g, '$1 ');
}
