/**
 * The management door: HTTPS, TLS 1.3 only, and nothing at all without a certificate of the workspace's CA whose role is
 * `workspace` or `administrator`. JSON for decisions, the OCI push API for bytes.
 */
import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import { asEdgewrightError, type HardwareReport } from '#contract';
import {
  type AgentStatus,
  AgentDeploymentStateSchema,
  type DeploymentAccepted,
  DeploymentOrderSchema,
  MAX_EVENTS,
  MAX_JSON_BODY_BYTES,
  MAX_POLL_MS,
  RevocationsOrderSchema,
  RollbackOrderSchema,
  SignedOrderSchema,
} from '#core/protocol';
import { openRevocations } from '#core/trust';
import { openSignedOrder } from '../device/authority.ts';
import type { Device } from '../device/device.ts';
import {
  HANDSHAKE_MS,
  HEADERS_MS,
  KEEP_ALIVE_MS,
  MAX_ADMINISTRATOR_CONNECTIONS,
  MAX_HEADER_BYTES,
  MAX_MANAGEMENT_CONNECTIONS,
  MAX_MANAGEMENT_STRANGERS,
  REQUEST_MS,
} from '../limits.ts';
import type { AdministratorStore } from '../state/administrators.ts';
import type { DeploymentRecord } from '../state/deployments.ts';
import type { EventLog } from '../state/events.ts';
import type { Identity, Trust } from '../state/identity.ts';
import type { Ledger } from '../state/ledger.ts';
import { type Caller, callerOf } from './callers.ts';
import { abortWhenGone, HttpError, notFound, queryNumber, readJson, sendJson, statusOf, urlOf, wrongMethod } from './http.ts';
import { handlePush, type PushServices } from './push.ts';
import { boundStrangers } from './strangers.ts';

export interface ManagementServices {
  device: Device;
  ledger: Ledger;
  events: EventLog;
  push: PushServices;
  administrators: AdministratorStore;
  deviceId(): string;
  trust(): Trust | undefined;
  /** The workspace came through the door. */
  onSeen(): void;
  /** As the one who asks is told it. */
  status(caller: Caller): Promise<Omit<AgentStatus, 'hardware'> & { hardware?: HardwareReport }>;
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
    (request, response) => void answer(services, request, response, (keys) => administrators.drop(keys)),
  );
  const strangers = boundStrangers(server, MAX_MANAGEMENT_STRANGERS);
  const administrators = administratorSockets();
  server.maxConnections = MAX_MANAGEMENT_CONNECTIONS + MAX_MANAGEMENT_STRANGERS;
  server.on('secureConnection', (socket: TLSSocket) => {
    const caller = callerOf(socket, services.trust());
    if (!caller) socket.destroy();
    // One who may not act is told why, and stays a stranger meanwhile.
    else if (mayAct(caller, services.administrators)) strangers.known(socket);
    if (caller?.kind === 'administrator') administrators.add(socket, caller.key);
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

/** Connections of administrators: bounded, and none goes on once its key is revoked. */
function administratorSockets() {
  /** Oldest first. */
  const open = new Map<TLSSocket, string>();
  return {
    add(socket: TLSSocket, key: string): void {
      open.set(socket, key);
      socket.once('close', () => open.delete(socket));
      const [oldest] = open;
      if (open.size > MAX_ADMINISTRATOR_CONNECTIONS && oldest) {
        open.delete(oldest[0]);
        oldest[0].destroy();
      }
    },
    drop(keys: ReadonlySet<string>): void {
      for (const [socket, key] of open) if (keys.has(key)) socket.destroy();
    },
  };
}

function mayAct(caller: Caller, administrators: AdministratorStore): boolean {
  try {
    if (caller.kind === 'administrator') administrators.check(caller);
    return true;
  } catch {
    return false;
  }
}

/** @throws 403 with trust.administrator-revoked, trust.clock-behind or trust.grant-expired; then the connection ends */
function checkMayAct(caller: Caller, administrators: AdministratorStore): void {
  if (caller.kind !== 'administrator') return;
  try {
    administrators.check(caller);
  } catch (error) {
    throw new HttpError(403, asEdgewrightError(error).toBody(), { connection: 'close' });
  }
  administrators.came(caller.key);
}

type Drop = (keys: ReadonlySet<string>) => void;

async function answer(services: ManagementServices, request: IncomingMessage, response: ServerResponse, drop: Drop): Promise<void> {
  try {
    const { socket } = request;
    const caller = socket instanceof TLSSocket ? callerOf(socket, services.trust()) : undefined;
    if (!caller) return void socket.destroy();
    checkMayAct(caller, services.administrators);
    if (caller.kind === 'workspace') services.onSeen();
    const url = urlOf(request);
    if (url.pathname === '/v2' || url.pathname.startsWith('/v2/')) return await handlePush(services.push, request, response, url);
    await route(services, caller, request, response, url, drop);
  } catch (error) {
    const body = asEdgewrightError(error).toBody();
    // The device itself answers here: it is no gateway to anything, so it says "conflict" and never "bad gateway".
    const status = !(error instanceof HttpError) && (body.owner === 'device' || body.owner === 'network') ? 409 : statusOf(error);
    sendJson(response, status, { error: body }, error instanceof HttpError ? error.headers : {});
  }
}

const DEPLOYMENT_PATH = /^\/v1\/deployments\/([A-Za-z0-9][A-Za-z0-9_-]{0,63})(\/cancel)?$/;

async function route(services: ManagementServices, caller: Caller, request: IncomingMessage, response: ServerResponse, url: URL, drop: Drop): Promise<void> {
  const { device, ledger, events, administrators } = services;
  const by = caller.kind === 'administrator' ? administrators.nameOf(caller.key) : undefined;
  const method = request.method ?? '';
  const only = (allowed: string) => {
    if (method !== allowed) throw wrongMethod(allowed);
  };
  switch (url.pathname) {
    case '/v1/status':
      only('GET');
      return sendJson(response, 200, await services.status(caller));
    case '/v1/events': {
      only('GET');
      const after = queryNumber(url.searchParams, 'after', 0, Number.MAX_SAFE_INTEGER);
      const wait = queryNumber(url.searchParams, 'wait', 0, MAX_POLL_MS);
      await until(() => events.after(after, 1).length > 0, events, wait, response);
      return sendJson(response, 200, { events: events.after(after, MAX_EVENTS) });
    }
    case '/v1/deployments':
      only('POST');
      return sendJson(response, 200, await takeOrder(services, caller, request));
    case '/v1/administrators': {
      if (method === 'GET') return sendJson(response, 200, administrators.statement());
      only('POST');
      const { revocations: note } = await readJson(request, RevocationsOrderSchema, MAX_JSON_BODY_BYTES);
      const revoked = device.revoke(note, openRevocations(note, mustTrust(services)));
      sendJson(response, 200, administrators.statement());
      return drop(revoked);
    }
    case '/v1/rollback': {
      only('POST');
      const { model } = await readJson(request, RollbackOrderSchema, MAX_JSON_BODY_BYTES);
      return sendJson(response, 200, await device.rollBack(model, by));
    }
    case '/v1/forget':
      only('POST');
      if (caller.kind !== 'workspace') throw ownerOnly();
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
    device.cancel(record, by);
    return sendJson(response, 200, await device.status(find()));
  }
  only('GET');
  const wait = queryNumber(url.searchParams, 'wait', 0, MAX_POLL_MS);
  const state = AgentDeploymentStateSchema.safeParse(url.searchParams.get('state') ?? record.state);
  if (wait > 0 && state.success) await until(() => ledger.get(record.id)?.state !== state.data, events, wait, response);
  sendJson(response, 200, await device.status(find()));
}

/** The workspace proves itself by the connection; an administrator's order stands for itself besides. */
async function takeOrder(services: ManagementServices, caller: Caller, request: IncomingMessage): Promise<DeploymentAccepted> {
  const { device } = services;
  if (caller.kind === 'workspace') return device.accept(await readJson(request, DeploymentOrderSchema, MAX_JSON_BODY_BYTES));
  const signed = await readJson(request, SignedOrderSchema, MAX_JSON_BODY_BYTES);
  const opened = openSignedOrder(signed, { trust: mustTrust(services), id: services.deviceId() }, caller.key);
  return device.accept(opened.order, opened);
}

/** It may have been forgotten while a request was read. */
function mustTrust(services: ManagementServices): Trust {
  const trust = services.trust();
  if (trust) return trust;
  throw new HttpError(403, { code: 'trust.not-enrolled', message: 'This device belongs to no workspace.', owner: 'trust' });
}

function ownerOnly(): HttpError {
  return new HttpError(403, {
    code: 'trust.workspace-only',
    message: 'Only the workspace that this device belongs to can let it go.',
    hint: 'An administrator can take it off his own list: edgewright device remove NAME.',
    owner: 'trust',
  });
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
