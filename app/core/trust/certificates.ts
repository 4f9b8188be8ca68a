/**
 * The workspace's own X.509 world: one CA, one client certificate for the workspace, one certificate for each device.
 * The role stands in a URI subject alternative name, so that a device's certificate can never act as the workspace's.
 */
import 'reflect-metadata'; // the X.509 library needs it before it loads
import { createPublicKey, type KeyObject, randomBytes, X509Certificate as NodeCertificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { distrust } from './errors.ts';
import { generateP256, toCryptoKeys } from './keys.ts';
import { CA_YEARS, CERTIFICATE_YEARS, MAX_PEM_BYTES } from './limits.ts';

const SIGNING = { name: 'ECDSA', hash: 'SHA-256' };
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const WORKSPACE_URN = 'urn:edgewright:workspace:';
const DEVICE_URN = 'urn:edgewright:device:';
/** WORKSPACE:KEY:SECONDS, see below. */
const ADMINISTRATOR_URN = 'urn:edgewright:administrator:';
const ADMINISTRATOR = /^([a-z0-9-]{1,63}):([0-9a-f]{64}):([0-9]{1,12})$/;
/** One DNS label, so that it fits the name below. */
const ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Devices often start without a clock (1970 or their build date): certificates count as valid since long before any of them was made. */
const NOT_BEFORE = new Date(Date.UTC(2020, 0, 1));
/** The year Edgewright's first certificates were made: a laptop whose clock is behind must not issue ones that have expired. */
const EARLIEST_ISSUE = Date.UTC(2026, 0, 1);

export interface Issuer {
  privateKeyPem: string;
  publicKeyPem: string;
  certificatePem: string;
}

/** Somebody else's keys that a workspace lets give orders to its devices. */
export interface AdministratorRole {
  role: 'administrator';
  /** Whose devices. */
  workspaceId: string;
  /** Fingerprint of the signing key that belongs to this TLS key. */
  key: string;
  /** In ms since the epoch. The certificate's own beginning is that of all of ours, so that a device whose clock is behind can say so. */
  issuedAt: number;
}
export type CertificateRole = { role: 'workspace'; workspaceId: string } | { role: 'device'; id: string } | AdministratorRole;

/** The name a TLS client checks a device by: an identity, not an address, and resolvable nowhere. */
export function deviceServerName(deviceId: string): string {
  return `${checkId(deviceId)}.device.edgewright.internal`;
}

function checkId(id: string): string {
  if (!ID.test(id))
    throw distrust('id-malformed', 'An identity in a certificate is malformed.', { expected: '1 to 63 of a-z 0-9 and -', found: id.slice(0, 80) });
  return id;
}

function notAfter(years: number, limit?: Date): Date {
  const end = new Date(Math.max(Date.now(), EARLIEST_ISSUE));
  end.setUTCFullYear(end.getUTCFullYear() + years);
  return limit && limit < end ? limit : end;
}

/** A positive 127-bit serial number; the leading 0..7 keeps the DER integer positive. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f || 1;
  return bytes.toString('hex');
}

/** A self-signed CA certificate that may sign end entities only. */
export async function createCa(workspaceId: string): Promise<Issuer> {
  const pair = await generateP256();
  const keys = await toCryptoKeys(pair);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [`Edgewright workspace ${checkId(workspaceId)} CA`] }],
    notBefore: NOT_BEFORE,
    notAfter: notAfter(CA_YEARS),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { privateKeyPem: pair.privateKey, publicKeyPem: pair.publicKey, certificatePem: `${certificate.toString('pem')}\n` };
}

interface Issued {
  subject: string;
  publicKey: x509.PublicKey;
  usages: string[];
  names: x509.JsonGeneralNames;
  /** Its end; else as long as a device lives. */
  until?: Date;
}

async function issue(ca: Issuer, options: Issued): Promise<string> {
  const caCertificate = new x509.X509Certificate(ca.certificatePem);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [options.subject] }],
    issuer: caCertificate.subjectName,
    notBefore: NOT_BEFORE,
    notAfter: options.until ?? notAfter(CERTIFICATE_YEARS, caCertificate.notAfter),
    signingAlgorithm: SIGNING,
    publicKey: options.publicKey,
    signingKey: (await toCryptoKeys({ privateKey: ca.privateKeyPem, publicKey: ca.publicKeyPem })).privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(options.usages),
      new x509.SubjectAlternativeNameExtension(options.names),
      await x509.SubjectKeyIdentifierExtension.create(options.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(caCertificate.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** The certificate the workspace shows to devices. It serves as a client only. */
export async function issueWorkspaceCertificate(ca: Issuer, workspaceId: string): Promise<{ privateKeyPem: string; certificatePem: string }> {
  const pair = await generateP256();
  const certificatePem = await issue(ca, {
    subject: `Edgewright workspace ${checkId(workspaceId)}`,
    publicKey: new x509.PublicKey(pair.publicKey),
    usages: [CLIENT_AUTH],
    names: [{ type: 'url', value: `${WORKSPACE_URN}${workspaceId}` }],
  });
  return { privateKeyPem: pair.privateKey, certificatePem };
}

/**
 * A certificate for the device that made this request. Only the key is taken from the request, and only after its signature
 * proved that the device holds the private one; names and extensions it may ask for are ours to set.
 * @throws trust.request-refused
 */
export async function issueForRequest(ca: Issuer, csrPem: string, deviceId: string): Promise<string> {
  checkId(deviceId);
  const publicKey = await requestedKey(csrPem, deviceId, { who: "The device's", hint: 'Pair the device again.' });
  return issue(ca, {
    subject: deviceId,
    publicKey,
    usages: [SERVER_AUTH, CLIENT_AUTH],
    names: [
      { type: 'url', value: `${DEVICE_URN}${deviceId}` },
      { type: 'dns', value: deviceServerName(deviceId) },
    ],
  });
}

/** Asks for a certificate for a key, and proves with it that the private half is there. */
export async function createRequest(pair: { privateKey: string; publicKey: string }, name: string): Promise<string> {
  const keys = await toCryptoKeys(pair);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: [{ CN: [checkId(name)] }], keys, signingAlgorithm: SIGNING });
  return `${request.toString('pem')}\n`;
}

/**
 * A client certificate for an administrator of this workspace's devices.
 * @param about.requester the id of the workspace that asked, which its request names
 * @param about.until end of the certificate, in ms since the epoch: whole seconds count
 * @throws trust.request-refused
 */
export async function issueAdministratorCertificate(
  ca: Issuer,
  csrPem: string,
  about: { workspaceId: string; requester: string; key: string; issuedAt: number; until: number },
): Promise<string> {
  const publicKey = await requestedKey(csrPem, about.requester, { who: 'The', hint: 'Have the identity file made anew.' });
  return issue(ca, {
    subject: `Edgewright administrator ${about.key.slice(0, 16)}`,
    publicKey,
    usages: [CLIENT_AUTH],
    names: [{ type: 'url', value: `${ADMINISTRATOR_URN}${checkId(about.workspaceId)}:${about.key}:${Math.floor(about.issuedAt / 1000)}` }],
    until: new Date(about.until),
  });
}

/** The key that a request is for, once its signature proved that whoever made it holds the private half. */
async function requestedKey(csrPem: string, name: string, { who, hint }: { who: string; hint: string }): Promise<x509.PublicKey> {
  const refused = (why: string, cause?: unknown) =>
    distrust('request-refused', `${who} certificate request is refused: ${why}.`, { hint, ...(cause !== undefined && { cause }) });
  if (csrPem.length > MAX_PEM_BYTES) throw refused('it is too large');
  let request: x509.Pkcs10CertificateRequest;
  let proven: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(csrPem);
    proven = await request.verify();
  } catch (cause) {
    throw refused('it cannot be read', cause);
  }
  if (!proven) throw refused('its signature is wrong');
  const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw refused('its key is not P-256');
  const names = request.subjectName.getField('CN');
  if (names.length !== 1 || names[0] !== name) throw refused('it names somebody else');
  return request.publicKey;
}

/**
 * A device's key, its certificate request, and a self-signed certificate for the pairing door, which exists before any CA
 * knows the device.
 */
export async function createDeviceIdentity(deviceId: string): Promise<{ privateKeyPem: string; csrPem: string; selfSignedCertPem: string }> {
  checkId(deviceId);
  const pair = await generateP256();
  const keys = await toCryptoKeys(pair);
  const name = [{ CN: [deviceId] }];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    notBefore: NOT_BEFORE,
    notAfter: notAfter(CERTIFICATE_YEARS),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([SERVER_AUTH]),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: deviceServerName(deviceId) }]),
    ],
  });
  return { privateKeyPem: pair.privateKey, csrPem: await createRequest(pair, deviceId), selfSignedCertPem: `${certificate.toString('pem')}\n` };
}

/**
 * Who a certificate says it is. The caller has checked already that our CA issued it (the TLS layer does).
 * @param certificate DER or PEM
 * @throws trust.role-missing when it names no role, or more than one
 */
export function certificateRole(certificate: Uint8Array | string): CertificateRole {
  const names = alternativeNames(certificate).filter((name) => name.startsWith('urn:edgewright:'));
  const [urn] = names;
  if (urn === undefined || names.length !== 1)
    throw distrust('role-missing', 'The certificate names no role, or more than one.', { found: names.join(', ').slice(0, 200) || 'none' });
  if (urn.startsWith(WORKSPACE_URN)) return { role: 'workspace', workspaceId: checkId(urn.slice(WORKSPACE_URN.length)) };
  if (urn.startsWith(DEVICE_URN)) return { role: 'device', id: checkId(urn.slice(DEVICE_URN.length)) };
  const [, workspaceId, key, seconds] = urn.startsWith(ADMINISTRATOR_URN) ? (ADMINISTRATOR.exec(urn.slice(ADMINISTRATOR_URN.length)) ?? []) : [];
  if (workspaceId !== undefined && key !== undefined)
    return { role: 'administrator', workspaceId: checkId(workspaceId), key, issuedAt: Number(seconds) * 1000 };
  throw distrust('role-missing', 'The certificate names a role this Edgewright does not know.', { found: urn.slice(0, 200) });
}

function alternativeNames(certificate: Uint8Array | string): string[] {
  if (certificate.length > MAX_PEM_BYTES) throw distrust('certificate-malformed', 'The certificate is too large.');
  try {
    const parsed = new x509.X509Certificate(typeof certificate === 'string' ? certificate : Buffer.from(certificate));
    const names = parsed.getExtension(x509.SubjectAlternativeNameExtension);
    return (names?.names.items ?? []).filter((item) => item.type === 'url').map((item) => item.value);
  } catch (cause) {
    throw distrust('certificate-malformed', 'The certificate cannot be read.', { cause });
  }
}

/** A certificate in DER, as the pairing MAC hashes it and as TLS sockets give it. */
export function certificateDer(pem: string): Buffer {
  return new NodeCertificate(pem).raw;
}

/** Whether a certificate belongs to this private key: a keyring or identity put together from two restores must not be used. */
export function belongsTo(certificatePem: string, privateKey: KeyObject): boolean {
  return new NodeCertificate(certificatePem).checkPrivateKey(privateKey);
}
