/** Certificates and keys as a person gives them: looked at before the first connection, so that what is wrong with them is said. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates } from 'node:tls';
import { EdgewrightError } from '#contract';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * @param what the two are, for the message
 * @throws usage.tls
 */
export function checkKeyPair(what: string, cert: string | Buffer, key: string | Buffer): void {
  try {
    createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
  } catch (cause) {
    throw unusable(`${what} cannot be used.`, 'a certificate and the private key that belongs to it, both in PEM and without a passphrase', cause);
  }
}

/** PEM: those Node comes with, those of this computer (as of a company's proxy), and those a person names. */
export function authorities(own: string | undefined): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ...(own === undefined ? [] : [own])])];
}

/** @throws usage.tls */
export function checkAuthorities(pem: string): void {
  const blocks = pem.match(CERTIFICATE) ?? [];
  try {
    for (const block of blocks) void new X509Certificate(block);
  } catch (cause) {
    throw unusable('The certificates of the private authority cannot be read.', 'certificates in PEM', cause);
  }
  if (blocks.length === 0) throw unusable('The file of the private authority holds no certificate.', 'certificates in PEM');
}

/** What OpenSSL says of a key names no part of it. */
function unusable(message: string, expected: string, cause?: unknown): EdgewrightError {
  const found = cause instanceof Error ? cause.message.replace(/^error:[0-9A-F]+:/, '').slice(0, 200) : undefined;
  return new EdgewrightError({ code: 'usage.tls', message, expected, ...(found !== undefined && { found }), owner: 'usage' }, { cause });
}
