/** Certificates of servers and their authority, made for one test. */
import 'reflect-metadata';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

export interface Issued {
  /** PEM. */
  certificate: string;
  /** PEM. */
  key: string;
}

export interface TestAuthority {
  /** PEM. */
  certificate: string;
  issue(names: readonly string[], until?: Date): Promise<Issued>;
}

const newKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
const serial = () => Buffer.from([1, ...crypto.getRandomValues(new Uint8Array(8))]).toString('hex');

export async function testAuthority(): Promise<TestAuthority> {
  const keys = await newKeys();
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=Test authority',
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2090-01-01'),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)],
  });
  return {
    certificate: `${own.toString('pem')}\n`,
    async issue(names, until = new Date('2090-01-01')) {
      const server = await newKeys();
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: 'CN=Test registry',
        issuer: own.subjectName,
        notBefore: new Date('2020-01-01'),
        notAfter: until,
        signingAlgorithm: ALGORITHM,
        publicKey: server.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.ExtendedKeyUsageExtension([SERVER_AUTH]),
          new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }))),
        ],
      });
      const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', server.privateKey), 'PRIVATE KEY');
      return { certificate: `${certificate.toString('pem')}\n`, key: `${key}\n` };
    },
  };
}
