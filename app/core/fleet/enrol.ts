/**
 * The workspace's side of pairing. Nothing that is secret or binding is sent before the device has proved that it knows
 * the code on this very TLS connection; the device is enrolled only when it says so at application level.
 */
import { connect, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { abortError } from '#core/platform';
import { UNREACHABLE } from '#core/distribution';
import { lineError, splitAddress } from '#core/transfer';
import { certificateDer, equalMac, type Keyring, normalizePairingCode, type Note, pairingMac } from '#core/trust';
import { PAIRING_CONNECT_MS } from './limits.ts';
import { EnrolledSchema, pairingExporter, pairingWire, ProofSchema, PROTOCOL_VERSION, type Refused, RefusedSchema } from '#core/protocol';

export interface EnrolOptions {
  /** host:port of the pairing door. */
  address: string;
  name: string;
  code: string;
  keyring: Keyring;
  /** Whom this workspace has revoked; absent: nobody. */
  revocations?: Note | undefined;
  /** Called with the proven device's id before it gets its certificate; throws to stop. */
  allow(deviceId: string): void;
  signal?: AbortSignal | undefined;
}

export interface Enrolment {
  deviceId: string;
  agentVersion: string;
  certificate: string;
  /** host:port of the two doors, as reachable from here. */
  management: string;
  inference: string;
}

/**
 * @throws network.unreachable; trust.code-malformed, trust.wrong-code (with the tries left), trust.unproven-device;
 *   device.* when the device refuses for another reason
 */
export async function enrolDevice(options: EnrolOptions): Promise<Enrolment> {
  const { keyring, name, signal } = options;
  const { host, port } = splitAddress(options.address);
  const code = normalizePairingCode(options.code);
  const label = `The device at ${options.address}`;
  const tls = keyring.clientTls();
  const socket = await connectDoor(host, port, tls, label, signal);
  const onAbort = () => socket.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const deviceCert = socket.getPeerX509Certificate()?.raw;
    if (!deviceCert) throw unproven(label, 'it showed no certificate');
    const wire = pairingWire(socket);
    const proven = { code, exporter: pairingExporter(socket), workspaceCert: certificateDer(tls.cert), deviceCert, workspaceId: keyring.workspaceId };

    const mac = pairingMac({ ...proven, role: 'workspace' });
    await wire.send({ type: 'hello', protocol: PROTOCOL_VERSION, workspaceId: keyring.workspaceId, name, mac: mac.toString('base64') });
    const proof = await wire.receive(z.union([ProofSchema, RefusedSchema]));
    if (proof.type === 'refused') throw refused(label, proof);
    if (!equalMac(Buffer.from(proof.mac, 'base64'), pairingMac({ ...proven, role: 'device' }))) {
      throw unproven(label, 'its proof is wrong: it does not know the code, or somebody stands in between');
    }
    options.allow(proof.deviceId);

    const certificate = await keyring.issueDeviceCertificate(proof.csr, proof.deviceId);
    const { caCertificatePem: ca, publicKeyPem: signer, workspaceId } = keyring;
    await wire.send({ type: 'enrol', certificate, ca, signer, workspaceId, ...(options.revocations && { revocations: options.revocations }) });
    const enrolled = await wire.receive(z.union([EnrolledSchema, RefusedSchema]));
    if (enrolled.type === 'refused') throw refused(label, enrolled);
    return {
      deviceId: proof.deviceId,
      agentVersion: proof.agentVersion,
      certificate,
      management: reachableFrom(host, enrolled.management),
      inference: enrolled.inference,
    };
  } catch (error) {
    if (signal?.aborted) throw abortError();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** TLS 1.3 to the door. Its certificate is its own: what it is worth, the code decides. */
function connectDoor(host: string, port: number, tls: { cert: string; key: string }, label: string, signal?: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError());
    const socket = connect({ host, port, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.3', rejectUnauthorized: false });
    const timer = setTimeout(() => fail(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), PAIRING_CONNECT_MS);
    const onAbort = () => fail(abortError());
    const fail = (error: Error) => {
      done();
      socket.destroy();
      reject(pairingHint(lineError(error, label, false)));
    };
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', fail);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', fail);
    socket.once('secureConnect', () => {
      // From here on the pairing wire listens for errors; until it does, one must not be fatal.
      socket.on('error', () => {});
      done();
      resolve(socket);
    });
  });
}

/** A door that does not answer is most often one that has closed. */
function pairingHint(error: Error): Error {
  if (!(error instanceof EdgewrightError) || error.code !== UNREACHABLE) return error;
  return new EdgewrightError(
    {
      ...error.toBody(),
      hint: 'Check that the device is on and in pairing (edgewright-agent --pair): its pairing door closes after ten minutes or five wrong codes.',
    },
    { cause: error },
  );
}

/** The device's own words; how many tries are left stands in `found`, whoever wrote the message. */
function refused(label: string, { error, triesLeft }: Refused): EdgewrightError {
  const left = `${triesLeft} ${triesLeft === 1 ? 'try' : 'tries'} left`;
  const owner = error.owner === 'trust' ? 'trust' : 'device';
  return new EdgewrightError({ ...error, message: `${label}: ${error.message}`, ...(owner === 'trust' && { found: error.found ?? left }), owner });
}

function unproven(label: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'trust.unproven-device',
    message: `${label} did not prove that it is the one that shows the code.`,
    found,
    hint: 'Nothing was sent. Check the address, and that no other machine answers there.',
    owner: 'trust',
  });
}

/** A device that listens on all its addresses is reached at the one it was paired at. */
function reachableFrom(host: string, address: string): string {
  const at = splitAddress(address);
  const anywhere = at.host === '0.0.0.0' || at.host === '::';
  const shown = anywhere ? host : at.host;
  return `${shown.includes(':') ? `[${shown}]` : shown}:${at.port}`;
}
