import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateDer, certificateRole, createDeviceIdentity, deviceServerName, type Keyring, openKeyring } from '#core/trust';

let dir: string;
let keyring: Keyring;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-cert-'));
  keyring = await openKeyring(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function requestWith(options: { cn?: string; curve?: string; extensions?: x509.Extension[] }): Promise<string> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: options.curve ?? 'P-256' }, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [options.cn ?? 'dev-1'] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    ...(options.extensions && { extensions: options.extensions }),
  });
  return request.toString('pem');
}

test('a device certificate carries its role, its TLS name and both usages', async () => {
  const identity = await createDeviceIdentity('dev-1');
  const pem = await keyring.issueDeviceCertificate(identity.csrPem, 'dev-1');
  const certificate = new X509Certificate(pem);
  expect(certificate.checkPrivateKey(createPrivateKey(identity.privateKeyPem))).toBe(true);
  expect(certificate.verify(new X509Certificate(keyring.caCertificatePem).publicKey)).toBe(true);
  expect(certificate.checkHost(deviceServerName('dev-1'))).toBe('dev-1.device.edgewright.internal');
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  expect(certificate.ca).toBe(false);
  expect(certificateRole(pem)).toEqual({ role: 'device', id: 'dev-1' });
  expect(certificateRole(certificateDer(pem))).toEqual({ role: 'device', id: 'dev-1' });
  expect(certificateRole(keyring.clientTls().cert)).toEqual({ role: 'workspace', workspaceId: keyring.workspaceId });
});

test('names a request asks for are ignored: they are ours to set', async () => {
  const csr = await requestWith({
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `urn:edgewright:workspace:${keyring.workspaceId}` }]),
      new x509.BasicConstraintsExtension(true, 3, true),
    ],
  });
  const pem = await keyring.issueDeviceCertificate(csr, 'dev-1');
  expect(certificateRole(pem)).toEqual({ role: 'device', id: 'dev-1' });
  expect(new X509Certificate(pem).ca).toBe(false);
});

test('a request is refused when it names another device, has another kind of key, was altered, or is no request', async () => {
  const good = await requestWith({});
  const bytes = new x509.Pkcs10CertificateRequest(good).rawData;
  const altered = Buffer.from(bytes);
  const last = altered.length - 1;
  altered[last] = (altered[last] ?? 0) ^ 1;
  const refused = { code: 'trust.request-refused', owner: 'trust' };
  await expect(keyring.issueDeviceCertificate(await requestWith({ cn: 'dev-2' }), 'dev-1')).rejects.toMatchObject(refused);
  await expect(keyring.issueDeviceCertificate(await requestWith({ curve: 'P-384' }), 'dev-1')).rejects.toMatchObject(refused);
  await expect(keyring.issueDeviceCertificate(x509.PemConverter.encode(altered, 'CERTIFICATE REQUEST'), 'dev-1')).rejects.toMatchObject(refused);
  await expect(keyring.issueDeviceCertificate('nonsense', 'dev-1')).rejects.toMatchObject(refused);
  await expect(keyring.issueDeviceCertificate('x'.repeat(100_000), 'dev-1')).rejects.toMatchObject(refused);
  await expect(keyring.issueDeviceCertificate(good, 'Dev 1')).rejects.toMatchObject({ code: 'trust.id-malformed' });
});

test('a certificate without exactly one role is refused', async () => {
  const self = (await createDeviceIdentity('dev-1')).selfSignedCertPem;
  expect(() => certificateRole(self)).toThrow(expect.objectContaining({ code: 'trust.role-missing' }));
  expect(() => certificateRole('nonsense')).toThrow(expect.objectContaining({ code: 'trust.certificate-malformed' }));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  expect(() => certificateRole(publicKey.export({ type: 'spki', format: 'der' }))).toThrow(expect.objectContaining({ code: 'trust.certificate-malformed' }));
});

test('mutual TLS 1.3: both sides check each other by identity, and strangers are refused', async () => {
  const identity = await createDeviceIdentity('dev-1');
  const cert = await keyring.issueDeviceCertificate(identity.csrPem, 'dev-1');
  const stranger = await openKeyring(join(dir, 'stranger'));
  const server = createServer(
    { key: identity.privateKeyPem, cert, ca: keyring.caCertificatePem, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
    (socket) => socket.end(JSON.stringify(certificateRole(socket.getPeerX509Certificate()?.raw ?? ''))),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const talk = (options: object) =>
    new Promise<string>((resolve, reject) => {
      let text = '';
      const socket: TLSSocket = connect({ port, host: '127.0.0.1', servername: deviceServerName('dev-1'), minVersion: 'TLSv1.3', ...options });
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
  try {
    expect(JSON.parse(await talk(keyring.clientTls()))).toEqual({ role: 'workspace', workspaceId: keyring.workspaceId });
    await expect(talk({ ...keyring.clientTls(), servername: deviceServerName('dev-2') })).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    await expect(talk(stranger.clientTls())).rejects.toThrow();
    // A TLS 1.3 client may learn of the refusal only after its own handshake is done: no answer is what counts.
    expect(await talk({ ...stranger.clientTls(), ca: keyring.caCertificatePem }).catch(() => '')).toBe('');
    expect(await talk({ ca: keyring.caCertificatePem }).catch(() => '')).toBe('');
  } finally {
    server.close();
  }
});
