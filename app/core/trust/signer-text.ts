/**
 * What a person hands over so that a signer is trusted: one public key, one signer's certificate, or an authority's with the
 * certificates around it. A file that holds a private key is refused whole, and nothing of it is kept.
 */
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { anchorsOf, type Authority, type TrustAnchors, type TrustedKey } from './anchors.ts';
import { commonProblem, readCertificate, signerProblem, type SigningCertificate } from './certificate-path.ts';
import { unfit } from './errors.ts';
import { fingerprintOf, hashForKey } from './keys.ts';
import { MAX_CHAIN_CERTIFICATES } from './limits.ts';

export interface SignerMaterial {
  /** Hex SHA-256 of the public key in DER. */
  id: string;
  material: 'key' | 'certificate' | 'authority';
  key: KeyObject;
  /** As it is kept: the public key, or the trusted certificate, in PEM. */
  pem: string;
  /** An authority's intermediates in PEM. */
  intermediates: string[];
  certificate?: SigningCertificate;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----[^-]*-----END \1-----/g;

/**
 * @param text what the person gave, as text
 * @throws trust.private-key, trust.key-format, trust.key-malformed, trust.certificate-malformed
 */
export function readSignerText(text: string): SignerMaterial {
  if (/PRIVATE KEY-----|^PuTTY-User-Key-File/m.test(text)) {
    throw unfit('private-key', 'This is a private key. Nothing of it was kept.', {
      expected: 'a public key or a certificate',
      hint: 'Make its public half: openssl pkey -in KEY.pem -pubout -out KEY.pub. If others could read the file you named, make a new key.',
    });
  }
  refuseOtherForms(text);
  const blocks = [...text.matchAll(BLOCK)].map(([block, label]) => ({ block, label: label ?? '' }));
  const keys = blocks.filter(({ label }) => label === 'PUBLIC KEY');
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE');
  const other = blocks.find(({ label }) => label !== 'PUBLIC KEY' && label !== 'CERTIFICATE');
  if (other) throw form(`a PEM block "${other.label}"`);
  if (keys.length + certificates.length === 0) throw form('no PEM block');
  if (keys.length > 1 || (keys.length > 0 && certificates.length > 0)) throw form(`${keys.length} keys and ${certificates.length} certificates`);
  if (keys[0]) return keyMaterial(keys[0].block);
  if (certificates.length > MAX_CHAIN_CERTIFICATES) throw form(`${certificates.length} certificates`);
  return certificateMaterial(certificates.map(({ block }) => certificateIn(block)));
}

function certificateIn(block: string): SigningCertificate {
  try {
    return readCertificate(block);
  } catch (cause) {
    throw unfit('certificate-malformed', 'A certificate cannot be read.', { expected: 'an X.509 certificate in PEM', cause });
  }
}

/**
 * Whether what was read may be trusted from now on: a certificate must be valid, and for signing or of an authority.
 * @throws trust.certificate-unfit
 */
export function checkSignerMaterial({ material, certificate }: SignerMaterial, now: number): void {
  if (!certificate) return;
  const problem = commonProblem(certificate, now) ?? (material === 'certificate' ? signerProblem(certificate) : undefined);
  if (problem === undefined) return;
  throw unfit('certificate-unfit', `The certificate (${certificate.subject}) ${problem}.`, {
    expected: 'a certificate that is valid now, for code signing or of an authority',
  });
}

function refuseOtherForms(text: string): void {
  if (/^\s*(ssh-(rsa|ed25519|dss)|ecdsa-sha2-|sk-)|^---- BEGIN SSH2 PUBLIC KEY/m.test(text)) {
    throw unfit('key-format', 'This is an OpenSSH key.', {
      expected: 'a public key in PEM (-----BEGIN PUBLIC KEY-----)',
      hint: 'Where it is an ECDSA key, turn it into PEM: ssh-keygen -e -m PKCS8 -f KEY.pub',
    });
  }
  if (text.includes('-----BEGIN PGP')) throw form('an OpenPGP key');
}

function form(found: string) {
  return unfit('key-format', 'This is not one public key, one certificate, or an authority with its certificates, in PEM.', {
    expected: '-----BEGIN PUBLIC KEY----- or -----BEGIN CERTIFICATE-----',
    found,
    hint: 'Turn DER into PEM with openssl pkey -pubin -inform DER, or openssl x509 -inform DER. Add several signers one by one.',
  });
}

function keyMaterial(pem: string): SignerMaterial {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw unfit('key-malformed', 'A public key cannot be read.', { expected: 'an EC public key in PEM', cause });
  }
  if (key.asymmetricKeyType !== 'ec' || hashForKey(key) === undefined) {
    throw unfit('key-malformed', 'Models cannot be signed with a key of this kind.', { expected: 'EC on P-256, P-384 or P-521', found: algorithmOf(key) });
  }
  return { id: fingerprintOf(key), material: 'key', key, pem: key.export({ type: 'spki', format: 'pem' }).toString(), intermediates: [] };
}

function certificateMaterial(all: readonly SigningCertificate[]): SignerMaterial {
  const signers = all.filter((one) => !one.authority);
  const [signer] = signers;
  if (signers.length > 1) throw form(`certificates of ${signers.length} signers`);
  // With a signer in it, the file is that signer's: the authorities beside it are not what the person wants to trust.
  const chosen = signer ?? rootOf(all);
  const { certificate } = chosen;
  const intermediates = signer ? [] : all.filter((one) => one !== chosen).map((one) => one.certificate.toString());
  const key = certificate.publicKey;
  return { id: fingerprintOf(key), material: signer ? 'certificate' : 'authority', key, pem: certificate.toString(), intermediates, certificate: chosen };
}

/** The one authority that no other of the file issued. */
function rootOf(all: readonly SigningCertificate[]): SigningCertificate {
  const tops = all.filter(
    (one) => !all.some((other) => other !== one && one.certificate.checkIssued(other.certificate) && one.certificate.verify(other.certificate.publicKey)),
  );
  const [top] = tops;
  if (!top || tops.length > 1) throw form(`${tops.length} authorities that do not issue each other`);
  return top;
}

/** `P-256`, `RSA 3072`: as people name a key. */
export function algorithmOf(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
  if (namedCurve !== undefined) return curves[namedCurve] ?? namedCurve;
  return `${(key.asymmetricKeyType ?? 'unknown').toUpperCase()}${modulusLength === undefined ? '' : ` ${modulusLength}`}`;
}

/** What a person named for one question: keys, signers' certificates, authorities, each called by `name`. */
export function anchorsFrom(given: readonly { name: string; material: SignerMaterial }[], intermediates: readonly X509Certificate[] = []): TrustAnchors {
  const keys: TrustedKey[] = [];
  const authorities: Authority[] = [];
  for (const { name, material } of given) {
    const { id, key, certificate } = material;
    const kind = 'signer' as const;
    if (material.material === 'authority' && certificate) {
      const between = [...material.intermediates.map((pem) => new X509Certificate(pem)), ...intermediates];
      authorities.push({ id, name, kind, certificate: certificate.certificate, intermediates: between });
    } else keys.push({ id, anchor: id, name, kind, key, ...(certificate && { certificate: certificate.certificate }) });
  }
  return anchorsOf(keys, authorities);
}
