/**
 * The management door: HTTPS, TLS 1.3 only, and nothing at all without a certificate of the workspace's CA whose role is
 * `workspace`. JSON for decisions, the OCI push API for bytes.
 */
import { constants, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import { asEdgewrightError, type HardwareReport } from '#contract';
import {
  type AgentStatus,
  AgentDeploymentStateSchema,
  DeploymentOrderSchema,
  MAX_EVENTS,
  MAX_JSON_BODY_BYTES,
  MAX_POLL_MS,
  RollbackOrderSchema,
} from '#core/protocol';
import { certificateRole } from '#core/trust';
import type { Device } from '../device/device.ts';
import { HANDSHAKE_MS, HEADERS_MS, KEEP_ALIVE_MS, MAX_HEADER_BYTES, MAX_MANAGEMENT_CONNECTIONS, MAX_MANAGEMENT_STRANGERS, REQUEST_MS } from '../limits.ts';
import type { DeploymentRecord } from '../state/deployments.ts';
import type { EventLog } from '../state/events.ts';
import type { Identity, Trust } from '../state/identity.ts';
import type { Ledger } from '../state/ledger.ts';
import { abortWhenGone, HttpError, notFound, queryNumber, readJson, sendJson, statusOf, urlOf, wrongMethod } from './http.ts';
import { handlePush, type PushServices } from './push.ts';
import { boundStrangers } from './strangers.ts';

export interface ManagementServices {
  device: Device;
  ledger: Ledger;
  events: EventLog;
  push: PushServices;
  trust(): Trust | undefined;
  /** The workspace came through the door. */
  onSeen(): void;
  status(): Promise<Omit<AgentStatus, 'hardware'> & { hardware?: HardwareReport }>;
  /** Takes everything of the workspace away, once the answer is out. */
  forget(): Promise<void>;
}

export interface ManagementDoor {
  server: Server;
  /** After enrolment, or after it was forgotten. Connections of before are closed. */
  retrust(identity: Identity, trust: Trust | undefined): void;
}

export function createManagementDoor(services: ManagementServices, identity: Identity, trust: Trust | undefined): ManagementDoor {
  const server = createServer(
    {
      ...credentials(identity, trust),
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_MS,
      // A session resumed from before would skip the look at the certificate.
      secureOptions: constants.SSL_OP_NO_TICKET,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => void answer(services, request, response),
  );
  const strangers = boundStrangers(server, MAX_MANAGEMENT_STRANGERS);
  server.maxConnections = MAX_MANAGEMENT_CONNECTIONS + MAX_MANAGEMENT_STRANGERS;
  server.on('secureConnection', (socket: TLSSocket) => {
    if (isWorkspace(socket, services.trust())) strangers.known(socket);
    else socket.destroy();
  });
  server.on('tlsClientError', () => {});
  return {
    server,
    retrust(nextIdentity, nextTrust) {
      server.setSecureContext({
        ...credentials(nextIdentity, nextTrust),
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
        secureOptions: constants.SSL_OP_NO_TICKET,
      });
      server.closeAllConnections();
    },
  };
}

/** Without a workspace the only CA is this device's own certificate, which is none: no one can come in. */
function credentials(identity: Identity, trust: Trust | undefined) {
  return { key: identity.privateKeyPem, cert: trust?.certificatePem ?? identity.selfSignedPem, ca: trust?.caPem ?? identity.selfSignedPem };
}

function isWorkspace(socket: TLSSocket, trust: Trust | undefined): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (!trust || !socket.authorized || !certificate || socket.isSessionReused()) return false;
  try {
    const ca = new X509Certificate(trust.caPem);
    if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) return false;
    const role = certificateRole(certificate.raw);
    return role.role === 'workspace' && role.workspaceId === trust.workspaceId;
  } catch {
    return false;
  }
}

async function answer(services: ManagementServices, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { socket } = request;
    if (!(socket instanceof TLSSocket) || !isWorkspace(socket, services.trust())) return void socket.destroy();
    services.onSeen();
    const url = urlOf(request);
    if (url.pathname === '/v2' || url.pathname.startsWith('/v2/')) return await handlePush(services.push, request, response, url);
    await route(services, request, response, url);
  } catch (error) {
    const body = asEdgewrightError(error).toBody();
    // The device itself answers here: it is no gateway to anything, so it says "conflict" and never "bad gateway".
    const status = !(error instanceof HttpError) && (body.owner === 'device' || body.owner === 'network') ? 409 : statusOf(error);
    sendJson(response, status, { error: body }, error instanceof HttpError ? error.headers : {});
  }
}

const DEPLOYMENT_PATH = /^\/v1\/deployments\/([A-Za-z0-9][A-Za-z0-9_-]{0,63})(\/cancel)?$/;

async function route(services: ManagementServices, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const { device, ledger, events } = services;
  const method = request.method ?? '';
  const only = (allowed: string) => {
    if (method !== allowed) throw wrongMethod(allowed);
  };
  switch (url.pathname) {
    case '/v1/status':
      only('GET');
      return sendJson(response, 200, await services.status());
    case '/v1/events': {
      only('GET');
      const after = queryNumber(url.searchParams, 'after', 0, Number.MAX_SAFE_INTEGER);
      const wait = queryNumber(url.searchParams, 'wait', 0, MAX_POLL_MS);
      await until(() => events.after(after, 1).length > 0, events, wait, response);
      return sendJson(response, 200, { events: events.after(after, MAX_EVENTS) });
    }
    case '/v1/deployments':
      only('POST');
      return sendJson(response, 200, await device.accept(await readJson(request, DeploymentOrderSchema, MAX_JSON_BODY_BYTES)));
    case '/v1/rollback': {
      only('POST');
      const { model } = await readJson(request, RollbackOrderSchema, MAX_JSON_BODY_BYTES);
      return sendJson(response, 200, await device.rollBack(model));
    }
    case '/v1/forget':
      only('POST');
      sendJson(response, 200, { forgotten: true }, { connection: 'close' });
      response.once('close', () => void services.forget());
      return;
  }
  const [, id, cancel] = DEPLOYMENT_PATH.exec(url.pathname) ?? [];
  const find = (): DeploymentRecord => {
    const record = id === undefined ? undefined : ledger.get(id);
    if (!record) throw id === undefined ? notFound('such address') : unknownDeployment(id);
    return record;
  };
  const record = find();
  if (cancel) {
    only('POST');
    device.cancel(record);
    return sendJson(response, 200, await device.status(find()));
  }
  only('GET');
  const wait = queryNumber(url.searchParams, 'wait', 0, MAX_POLL_MS);
  const state = AgentDeploymentStateSchema.safeParse(url.searchParams.get('state') ?? record.state);
  if (wait > 0 && state.success) await until(() => ledger.get(record.id)?.state !== state.data, events, wait, response);
  sendJson(response, 200, await device.status(find()));
}

/** Long poll: resolves when `ready`, when `ms` have passed, or when the client went away. */
async function until(ready: () => boolean, events: EventLog, ms: number, response: ServerResponse): Promise<void> {
  const gone = abortWhenGone(response);
  const end = performance.now() + ms;
  while (!ready() && !gone.aborted) {
    const left = end - performance.now();
    if (left <= 0) return;
    await events.changed(left, gone);
  }
}

function unknownDeployment(id: string): HttpError {
  return new HttpError(404, { code: 'device.unknown-deployment', message: `This device knows no deployment ${id}.`, owner: 'device' });
}
