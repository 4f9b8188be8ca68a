/**
 * From a signer's certificate to an authority trusted here (RFC 5280 §6, as far as signing models needs it): signatures,
 * names, validity now, CA rights, path length, purpose. What a rule would need that is not known here makes a certificate
 * unfit; nothing is skipped. No revocation: that would need a network.
 */
import 'reflect-metadata'; // the X.509 library needs it before it loads
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Authority, TrustAnchors, TrustedKey } from './anchors.ts';
import { distrust } from './errors.ts';
import { hashForKey } from './keys.ts';
import { MAX_CHAIN_CERTIFICATES, MAX_PATH_CHECKS, MAX_PEM_BYTES, MIN_RSA_BITS } from './limits.ts';

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const ANY_PURPOSE = '2.5.29.37.0';
/** Extensions whose meaning is checked below or changes nothing here: basic constraints, key usage, extended key usage, names. */
const UNDERSTOOD: readonly string[] = ['2.5.29.19', '2.5.29.15', '2.5.29.37', '2.5.29.17'];
/** Signature hashes in which nobody can make two certificates alike. */
const SOUND_HASHES: readonly string[] = ['SHA-256', 'SHA-384', 'SHA-512'];
const DER_SEQUENCE = 0x30;

export interface SigningCertificate {
  certificate: X509Certificate;
  /** Whom it names: the common name, else the whole subject, without characters that could deceive. */
  subject: string;
  /** May issue other certificates. */
  authority: boolean;
  facts: x509.X509Certificate;
}

/**
 * Reads one certificate.
 * @param what DER, or the text of one PEM block
 * @throws trust.certificate-malformed
 */
export function readCertificate(what: Uint8Array | string): SigningCertificate {
  const wrong = (cause?: unknown) => distrust('certificate-malformed', 'A certificate cannot be read.', { expected: 'an X.509 certificate', cause });
  if (what.length === 0 || what.length > MAX_PEM_BYTES || (typeof what !== 'string' && what[0] !== DER_SEQUENCE)) throw wrong();
  try {
    const certificate = new X509Certificate(typeof what === 'string' ? what : Buffer.from(what));
    const facts = new x509.X509Certificate(certificate.raw);
    return { certificate, subject: subjectOf(facts), authority: mayIssue(facts), facts };
  } catch (cause) {
    throw wrong(cause);
  }
}

function subjectOf(facts: x509.X509Certificate): string {
  const [name = facts.subject] = facts.subjectName.getField('CN');
  return name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').slice(0, 200);
}

function mayIssue(facts: x509.X509Certificate): boolean {
  if (facts.getExtension(x509.BasicConstraintsExtension)?.ca !== true) return false;
  const usage = facts.getExtension(x509.KeyUsagesExtension);
  return usage === null || (usage.usages & x509.KeyUsageFlags.keyCertSign) !== 0;
}

/**
 * Finds what a signer's certificate rests on.
 * @param chain certificates in DER as the signature brings them, the signer's first
 * @param now milliseconds since the epoch; the certificate's own dates decide nothing about when it is looked at
 * @throws trust.certificate-malformed, trust.certificate-unfit, trust.certificate-untrusted
 */
export function findAnchor(chain: readonly Uint8Array[], anchors: TrustAnchors, now: number): { leaf: SigningCertificate; anchor: TrustedKey | Authority } {
  if (chain.length > MAX_CHAIN_CERTIFICATES) throw distrust('certificate-malformed', `The signature brings ${chain.length} certificates.`);
  const [leaf, ...others] = chain.map(readCertificate);
  if (!leaf) throw distrust('certificate-malformed', 'The signature brings no certificate.');
  checkSigner(leaf, now);
  const pinned = anchors.keys.find((key) => key.certificate?.raw.equals(leaf.certificate.raw));
  if (pinned) return { leaf, anchor: pinned };
  const pool = [...others, ...anchors.authorities.flatMap((one) => one.intermediates.map((c) => readCertificate(c.raw)))];
  const search = { anchors: anchors.authorities, pool, now, checks: 0, problem: '' };
  const anchor = climb(leaf, [], search);
  if (anchor) return { leaf, anchor };
  throw distrust('certificate-untrusted', `The signer's certificate (${leaf.subject}) leads to no authority trusted here.`, {
    ...(search.problem !== '' && { found: search.problem }),
    expected: anchors.authorities.map((one) => one.name).join(', ') || 'a trusted authority',
    hint: 'Add the authority that issued it, if you trust everyone it certifies.',
  });
}

interface Search {
  anchors: readonly Authority[];
  pool: readonly SigningCertificate[];
  now: number;
  /** How many pairs were tried: certificates that all issued each other must not keep this busy. */
  checks: number;
  problem: string;
}

/** Depth first from `below` upwards. @param path what stands between `below` and the signer, the signer first */
function climb(below: SigningCertificate, path: readonly SigningCertificate[], search: Search): Authority | undefined {
  const itself = search.anchors.find((one) => one.certificate.raw.equals(below.certificate.raw));
  if (itself) return itself;
  const under = [...path, below];
  if (under.length >= MAX_CHAIN_CERTIFICATES) return undefined;
  for (const anchor of search.anchors) {
    const issuer = readCertificate(anchor.certificate.raw);
    if (issued(issuer, below, search) && isFit(issuer, under, search)) return anchor;
  }
  for (const issuer of search.pool) {
    if (under.some((one) => one.certificate.raw.equals(issuer.certificate.raw))) continue;
    if (!issued(issuer, below, search) || !isFit(issuer, under, search)) continue;
    const found = climb(issuer, under, search);
    if (found) return found;
  }
  return undefined;
}

function issued(issuer: SigningCertificate, below: SigningCertificate, search: Search): boolean {
  if (++search.checks > MAX_PATH_CHECKS) return false;
  return below.certificate.checkIssued(issuer.certificate) && below.certificate.verify(issuer.certificate.publicKey);
}

/** @param under what it issued, directly and further down, the signer first */
function isFit(issuer: SigningCertificate, under: readonly SigningCertificate[], search: Search): boolean {
  const problem = commonProblem(issuer, search.now) ?? issuerProblem(issuer, under.length - 1);
  if (problem !== undefined) search.problem = `${issuer.subject} ${problem}`;
  return problem === undefined;
}

/** @param between how many authorities stand between it and the signer */
function issuerProblem({ facts, authority }: SigningCertificate, between: number): string | undefined {
  if (!authority) return 'may not issue certificates';
  const length = facts.getExtension(x509.BasicConstraintsExtension)?.pathLength;
  if (length !== undefined && between > length) return `may have ${length} authorities below it, not ${between}`;
  const purposes = facts.getExtension(x509.ExtendedKeyUsageExtension)?.usages;
  if (purposes && !purposes.some((one) => one === CODE_SIGNING || one === ANY_PURPOSE)) return 'may not issue certificates for signing';
  return undefined;
}

/** @throws trust.certificate-unfit */
function checkSigner(leaf: SigningCertificate, now: number): void {
  const problem = commonProblem(leaf, now) ?? signerProblem(leaf);
  if (problem === undefined) return;
  throw distrust('certificate-unfit', `The signer's certificate (${leaf.subject}) ${problem}.`, {
    expected: 'an EC certificate for code signing that is valid now',
    hint: 'If the clock of this computer is wrong, set it; else ask the signer for a signature with a valid certificate.',
  });
}

/** Why a certificate cannot stand for a signer whatever issued it; undefined when it can. */
export function signerProblem({ facts, certificate }: SigningCertificate): string | undefined {
  if (certificate.publicKey.asymmetricKeyType !== 'ec' || hashForKey(certificate.publicKey) === undefined)
    return 'has a key that is not on P-256, P-384 or P-521';
  const usage = facts.getExtension(x509.KeyUsagesExtension);
  if (usage && (usage.usages & x509.KeyUsageFlags.digitalSignature) === 0) return 'may not make signatures';
  const purposes = facts.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
  return purposes.some((one) => one === CODE_SIGNING) ? undefined : 'is not for code signing';
}

/** What must hold of every certificate of a path. */
export function commonProblem({ certificate, facts }: SigningCertificate, now: number): string | undefined {
  if (now < certificate.validFromDate.getTime()) return `is not valid before ${certificate.validFromDate.toISOString()}`;
  if (now > certificate.validToDate.getTime()) return `expired at ${certificate.validToDate.toISOString()}`;
  const unknown = facts.extensions.find((one) => one.critical && !UNDERSTOOD.includes(one.type));
  if (unknown) return `has a critical extension that is not understood here (${unknown.type})`;
  const hash = (facts.signatureAlgorithm as { hash?: { name?: string } }).hash?.name ?? '';
  if (!SOUND_HASHES.includes(hash)) return `is signed with ${hash || 'an unknown hash'}`;
  return keyProblem(certificate);
}

function keyProblem({ publicKey }: X509Certificate): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  if (type === 'ec') return hashForKey(publicKey) === undefined ? `has a key on ${details?.namedCurve ?? 'an unknown curve'}` : undefined;
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) < MIN_RSA_BITS ? `has a key of ${details?.modulusLength} bits` : undefined;
  return `has a key of the kind ${type}`;
}
