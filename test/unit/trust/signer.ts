/** People who sign, and authorities that certify them, made for one test. */
import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type FileSet, signerOf, signSet } from '../../../app/core/trust/oms.ts';

const CURVES = { 'P-256': 'SHA-256', 'P-384': 'SHA-384', 'P-521': 'SHA-512' } as const;

export interface Person {
  privateKey: KeyObject;
  publicPem: string;
}

export function person(curve = 'P-256'): Person {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  return { privateKey, publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

export function signAs(who: Person, set: FileSet, chain: readonly x509.X509Certificate[] = []): Buffer {
  return signSet(
    signerOf(
      who.privateKey,
      chain.map((one) => Buffer.from(one.rawData)),
    ),
    set,
  );
}

export interface Certified {
  certificate: x509.X509Certificate;
  pem: string;
  keys: CryptoKeyPair;
  person: Person;
}

export interface CertificateOptions {
  issuer?: Certified;
  authority?: boolean;
  pathLength?: number;
  usages?: x509.KeyUsageFlags;
  purposes?: string[];
  from?: Date;
  until?: Date;
  extensions?: x509.Extension[];
  hash?: string;
}

export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

/** A certificate, of an authority or for signing, by its issuer or by itself. */
export async function certify(name: string, options: CertificateOptions = {}): Promise<Certified> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: options.hash ?? CURVES['P-256'] };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { issuer, authority = false } = options;
  const usages = options.usages ?? (authority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature);
  const purposes = options.purposes ?? (authority ? undefined : [CODE_SIGNING]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8)).map((byte, i) => (i === 0 ? 1 : byte))).toString('hex'),
    subject: [{ CN: [name] }],
    issuer: issuer?.certificate.subjectName ?? [{ CN: [name] }],
    notBefore: options.from ?? new Date('2020-01-01'),
    notAfter: options.until ?? new Date('2090-01-01'),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(authority, options.pathLength, true),
      new x509.KeyUsagesExtension(usages, true),
      ...(purposes ? [new x509.ExtendedKeyUsageExtension(purposes)] : []),
      ...(options.extensions ?? []),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const publicPem = `${new x509.PublicKey(certificate.publicKey.rawData).toString('pem')}\n`;
  return { certificate, pem: `${certificate.toString('pem')}\n`, keys, person: { privateKey, publicPem } };
}
