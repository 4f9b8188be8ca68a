/**
 * The pairing door: open only while pairing, for one workspace, by a one-time code. TLS 1.3 with the device's self-signed
 * certificate; what makes either side trust the other is the code, through a MAC over this very connection.
 */
import { constants, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { asEdgewrightError, EdgewrightError, type ErrorBody } from '#contract';
import {
  EnrolSchema,
  type Enrol,
  type Hello,
  HelloSchema,
  PAIRING_OPEN_MS,
  PAIRING_TRIES,
  type PairingWire,
  pairingExporter,
  pairingWire,
  PROTOCOL_VERSION,
} from '#core/protocol';
import { type Clock, writeFileAtomic, formatAddress, listen } from '#core/platform';
import { certificateDer, certificateRole, equalMac, generatePairingCode, type Note, openRevocations, pairingMac, type Revocations } from '#core/trust';
import { HANDSHAKE_MS, LAST_ANSWER_MS, MAX_PAIRING_STRANGERS } from '../limits.ts';
import type { Identity, Trust } from '../state/identity.ts';
import { boundStrangers } from './strangers.ts';
import { AGENT_VERSION } from '../version.ts';

export interface PairingDoor {
  address: string;
  /** Absent when it went to a file. */
  code: string | undefined;
  /** Wall-clock ms. */
  expires: number;
  close(): Promise<void>;
}

export interface PairingOptions {
  host: string;
  identity: Identity;
  codeFile: string | undefined;
  clock: Clock;
  openMs?: number;
  /** Where the other doors are, as the peer that reached us at `localHost` can reach them. */
  addresses(localHost: string): { management: string; inference: string };
  /** Stores the trust durably, with whom the workspace has revoked; what it throws refuses the enrolment. */
  enrol(trust: Trust, revoked: { note: Note; revocations: Revocations } | undefined): void;
  /** Called once, after the door closed for good. */
  onClosed(why: 'enrolled' | 'tries' | 'expired' | 'stopped'): void;
}

export async function openPairingDoor(options: PairingOptions): Promise<PairingDoor> {
  const code = generatePairingCode();
  const openMs = options.openMs ?? PAIRING_OPEN_MS;
  const deviceCert = certificateDer(options.identity.selfSignedPem);
  const sockets = new Set<TLSSocket>();
  let tries = PAIRING_TRIES;
  let open = true;

  const server = createServer({
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    key: options.identity.privateKeyPem,
    cert: options.identity.selfSignedPem,
    requestCert: true,
    // The workspace's CA is not known yet: the code proves the certificate, below.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS,
    // A resumed session would not belong to this handshake's certificates.
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
  const strangers = boundStrangers(server, MAX_PAIRING_STRANGERS);
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void serve(socket).catch(() => socket.destroy());
  });
  const bound = await listen(server, options.host, 0);
  const expiry = setTimeout(() => void close('expired'), openMs);
  if (options.codeFile !== undefined) await writeFileAtomic(options.codeFile, `${code}\n`, { mode: 0o600 });

  async function close(why: 'enrolled' | 'tries' | 'expired' | 'stopped'): Promise<void> {
    if (!open) return;
    open = false;
    clearTimeout(expiry);
    if (options.codeFile !== undefined) await rm(options.codeFile, { force: true });
    // Whoever was just answered reads the answer first; everyone else is cut off.
    for (const socket of sockets) {
      if (!socket.writableEnded) socket.destroy();
    }
    await closeServer(server);
    options.onClosed(why);
  }

  async function serve(socket: TLSSocket): Promise<void> {
    const wire = pairingWire(socket);
    try {
      const answer = await converse(socket, wire);
      await wire.send(answer);
      part(socket);
      await close('enrolled');
    } catch (error) {
      const body = asEdgewrightError(error).toBody();
      await wire.send({ type: 'refused', error: body, triesLeft: Math.max(tries, 0) }).catch(() => {});
      part(socket);
      if (tries <= 0) await close('tries');
    }
  }

  async function converse(socket: TLSSocket, wire: PairingWire) {
    const peer = socket.getPeerX509Certificate();
    if (!peer || socket.isSessionReused()) throw refused('no-certificate', 'The workspace showed no certificate.');
    const hello = await wire.receive(HelloSchema);
    checkProtocol(hello);
    const exporter = pairingExporter(socket);
    const proof = { code, exporter, workspaceCert: peer.raw, deviceCert, workspaceId: hello.workspaceId };
    // Nothing between here and the decrement may wait: five connections at once must not get five times five tries.
    if (!open || tries <= 0) throw refused('door-closed', 'Pairing is over on this device.', 'Start pairing on the device again for a new code.');
    if (!equalMac(pairingMac({ ...proof, role: 'workspace' }), Buffer.from(hello.mac, 'base64'))) {
      tries--;
      throw wrongCode(tries);
    }
    strangers.known(socket);
    await wire.send({
      type: 'proof',
      deviceId: options.identity.deviceId,
      mac: pairingMac({ ...proof, role: 'device' }).toString('base64'),
      csr: options.identity.csrPem,
      agentVersion: AGENT_VERSION,
    });
    const enrol = await wire.receive(EnrolSchema);
    checkEnrolment(enrol, hello, peer, options.identity);
    if (!open) throw refused('door-closed', 'Pairing is over on this device.', 'Start pairing on the device again for a new code.');
    const trust: Trust = {
      workspaceId: hello.workspaceId,
      name: hello.name,
      certificatePem: enrol.certificate,
      caPem: enrol.ca,
      signerPem: enrol.signer,
      enrolledAt: options.clock.now(),
      seenAt: undefined,
    };
    const note = enrol.revocations;
    options.enrol(trust, note && { note, revocations: openRevocations(note, trust) });
    return { type: 'enrolled' as const, ...options.addresses(socket.localAddress ?? options.host) };
  }

  return {
    address: formatAddress(options.host, bound),
    code: options.codeFile === undefined ? code : undefined,
    expires: options.clock.now() + openMs,
    close: () => close('stopped'),
  };
}

/** Closes after the last answer; a peer that does not take it is not waited for. */
function part(socket: TLSSocket): void {
  socket.end();
  setTimeout(() => socket.destroy(), LAST_ANSWER_MS).unref();
}

function checkProtocol(hello: Hello): void {
  if (hello.protocol === PROTOCOL_VERSION) return;
  throw new EdgewrightError({
    code: 'device.protocol',
    message: 'The workspace and this agent speak different versions of the protocol.',
    expected: `protocol ${PROTOCOL_VERSION}`,
    found: `protocol ${hello.protocol}`,
    hint: 'Bring both to the same version of Edgewright.',
    owner: 'device',
  });
}

/** The certificate is for our key and from that CA; the CA also vouches for the workspace at the other end. */
function checkEnrolment(enrol: Enrol, hello: Hello, peer: X509Certificate, identity: Identity): void {
  const wrong = (what: string, cause?: unknown) =>
    new EdgewrightError(
      { code: 'trust.enrolment-wrong', message: `The workspace sent an enrolment that does not hold together: ${what}.`, owner: 'trust' },
      { cause },
    );
  let ca: X509Certificate;
  let own: X509Certificate;
  try {
    ca = new X509Certificate(enrol.ca);
    own = new X509Certificate(enrol.certificate);
  } catch (cause) {
    throw wrong('a certificate cannot be read', cause);
  }
  if (enrol.workspaceId !== hello.workspaceId) throw wrong('it names another workspace');
  if (!ca.ca || !ca.verify(ca.publicKey)) throw wrong('its CA is none');
  if (!own.checkIssued(ca) || !own.verify(ca.publicKey)) throw wrong('the device certificate is not from its CA');
  if (!own.publicKey.equals(new X509Certificate(identity.selfSignedPem).publicKey)) throw wrong('the device certificate is for another key');
  if (!peer.checkIssued(ca) || !peer.verify(ca.publicKey)) throw wrong('the workspace certificate is not from its CA');
  const ownRole = certificateRole(own.raw);
  if (ownRole.role !== 'device' || ownRole.id !== identity.deviceId) throw wrong('the device certificate names another device');
  const peerRole = certificateRole(peer.raw);
  if (peerRole.role !== 'workspace' || peerRole.workspaceId !== hello.workspaceId) throw wrong('the workspace certificate names another workspace');
}

function wrongCode(left: number): EdgewrightError {
  return refused(
    'wrong-code',
    left > 0 ? `The pairing code is wrong. ${left} ${left === 1 ? 'try' : 'tries'} left.` : 'The pairing code is wrong, and it was the last try.',
    left > 0 ? 'Read the code again where the device shows it.' : 'Start pairing on the device again for a new code.',
  );
}

function refused(code: string, message: string, hint?: string): EdgewrightError {
  const body: ErrorBody = { code: `trust.${code}`, message, ...(hint !== undefined && { hint }), owner: 'trust' };
  return new EdgewrightError(body);
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
