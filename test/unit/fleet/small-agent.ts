/**
 * A device of a few lines on real sockets: pairs, answers the management door as a test tells it to, and takes pushes. For
 * what the real agent never does: lying, forgetting, losing events. The real one is tested in test/integration/fleet.
 */
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import type { DeviceEvent, ErrorBody } from '#contract';
import {
  type AgentDeploymentState,
  type AgentStatus,
  DeploymentOrderSchema,
  type DeploymentOrder,
  type DeploymentStatus,
  type Enrol,
  EnrolSchema,
  HelloSchema,
  pairingExporter,
  pairingWire,
  PAIRING_TRIES,
} from '#core/protocol';
import { certificateDer, createDeviceIdentity, equalMac, generatePairingCode, pairingMac } from '#core/trust';
import { type SmallRegistry, smallRegistry } from '../transfer/small-registry.ts';

export interface SmallDeployment {
  order: DeploymentOrder;
  state: AgentDeploymentState;
  error?: ErrorBody;
  serving?: string;
}

export interface SmallAgent {
  id: string;
  code: string;
  /** host:port of the pairing door. */
  address: string;
  registry: SmallRegistry;
  status: AgentStatus;
  events: DeviceEvent[];
  deployments: Map<string, SmallDeployment>;
  orders: DeploymentOrder[];
  /** `METHOD path` of every management request. */
  asked: string[];
  enrolment: Enrol | undefined;
  /** What follows when everything has arrived. */
  onReceived: (deployment: SmallDeployment) => void;
  /** Answers a management request itself when it returns true. */
  intercept: (request: IncomingMessage, response: ServerResponse, url: URL) => boolean;
  /** How this device misbehaves while pairing. */
  pairing: { wrongProof?: boolean; silent?: boolean; hangUpAfterEnrol?: boolean };
  /** Wakes long polls. */
  wake(): void;
  addEvent(kind: string, message: string): void;
  stop(): Promise<void>;
}

export async function smallAgent(id = 'dev-a'): Promise<SmallAgent> {
  const identity = await createDeviceIdentity(id);
  const code = generatePairingCode();
  const deviceCert = certificateDer(identity.selfSignedCertPem);
  const changed = new EventEmitter().setMaxListeners(0);
  const sockets = new Set<TLSSocket>();
  let tries = PAIRING_TRIES;

  const door = createServer(
    { key: identity.privateKeyPem, cert: identity.selfSignedCertPem, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false },
    (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      pair(socket).catch(() => socket.destroy());
    },
  );
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));

  const agent: SmallAgent = {
    id,
    code,
    address: addressOf(door.address()),
    registry: await smallRegistry({ key: identity.privateKeyPem, cert: identity.selfSignedCertPem, ca: identity.selfSignedCertPem }),
    status: {
      id,
      name: '',
      agentVersion: '0.1.0',
      time: Date.now(),
      inference: 'http://127.0.0.1:9',
      diskFreeBytes: 1e12,
      bundles: [],
      serving: [],
      lastEventSeq: 0,
    },
    events: [],
    deployments: new Map(),
    orders: [],
    asked: [],
    enrolment: undefined,
    onReceived: (d) => {
      d.state = 'active';
      d.serving = `${d.order.name}@${d.order.version}#${d.order.variant}`;
    },
    intercept: () => false,
    pairing: {},
    wake: () => void changed.emit('change'),
    addEvent(kind, message) {
      agent.events.push({ seq: (agent.events.at(-1)?.seq ?? 0) + 1, at: Date.now(), kind, message });
      agent.status.lastEventSeq = agent.events.at(-1)?.seq ?? 0;
      agent.wake();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => door.close(() => resolve()));
      await agent.registry.stop();
    },
  };

  async function pair(socket: TLSSocket): Promise<void> {
    if (agent.pairing.silent) return;
    const wire = pairingWire(socket);
    const hello = await wire.receive(HelloSchema);
    const peer = socket.getPeerX509Certificate();
    if (!peer) throw new Error('no certificate');
    const proof = { code, exporter: pairingExporter(socket), workspaceCert: peer.raw, deviceCert, workspaceId: hello.workspaceId };
    if (!equalMac(Buffer.from(hello.mac, 'base64'), pairingMac({ ...proof, role: 'workspace' }))) {
      tries--;
      await wire.send({ type: 'refused', error: { code: 'trust.wrong-code', message: 'The pairing code is wrong.', owner: 'trust' }, triesLeft: tries });
      return void socket.end();
    }
    const mac = pairingMac({ ...proof, role: agent.pairing.wrongProof ? 'workspace' : 'device' });
    await wire.send({ type: 'proof', deviceId: id, mac: mac.toString('base64'), csr: identity.csrPem, agentVersion: '0.1.0' });
    agent.enrolment = await wire.receive(EnrolSchema);
    if (agent.pairing.hangUpAfterEnrol) return void socket.destroy();
    agent.status.name = hello.name;
    await agent.registry.stop();
    agent.registry = await smallRegistry({ key: identity.privateKeyPem, cert: agent.enrolment.certificate, ca: agent.enrolment.ca });
    agent.registry.misbehave = manage;
    await wire.send({ type: 'enrolled', management: `127.0.0.1:${agent.registry.port}`, inference: '127.0.0.1:9' });
    socket.end();
  }

  function manage(request: IncomingMessage, response: ServerResponse): boolean {
    const url = new URL(request.url ?? '/', 'https://x');
    if (!url.pathname.startsWith('/v1/')) {
      response.once('finish', () => received());
      return false;
    }
    agent.asked.push(`${request.method ?? ''} ${url.pathname}`);
    if (agent.intercept(request, response, url)) return true;
    void route(request, response, url).catch(() => response.destroy());
    return true;
  }

  const missing = (order: DeploymentOrder) => order.blobs.map((b) => b.digest).filter((d) => !agent.registry.blobs.has(d) && !agent.registry.manifests.has(d));

  function received(): void {
    for (const deployment of agent.deployments.values()) {
      if (deployment.state === 'receiving' && missing(deployment.order).length === 0) agent.onReceived(deployment);
    }
    agent.wake();
  }

  function statusOf(deploymentId: string, d: SmallDeployment): DeploymentStatus {
    const { order } = d;
    return {
      id: deploymentId,
      name: order.name,
      version: order.version,
      variant: order.variant,
      digest: order.manifest.digest,
      state: d.state,
      missing: d.state === 'receiving' ? missing(order) : [],
      updatedAt: Date.now(),
      ...(d.error && { error: d.error }),
      ...(d.serving && { serving: d.serving }),
    };
  }

  async function route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const send = (value: unknown, status = 200) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (url.pathname === '/v1/status') return send(agent.status);
    if (url.pathname === '/v1/forget') {
      send({ forgotten: true });
      return;
    }
    if (url.pathname === '/v1/events') {
      const after = Number(url.searchParams.get('after'));
      const list = () => agent.events.filter((e) => e.seq > after).slice(0, 500);
      await until(() => list().length > 0, Number(url.searchParams.get('wait') ?? 0), response);
      return send({ events: list() });
    }
    if (url.pathname === '/v1/deployments') {
      const order = DeploymentOrderSchema.parse(z.json().parse(JSON.parse(await text(request))));
      agent.orders.push(order);
      const known = agent.deployments.get(order.id) ?? { order, state: 'receiving' as const };
      agent.deployments.set(order.id, known);
      send({ id: order.id, state: known.state, missing: missing(order) });
      return received();
    }
    const [, deploymentId = '', cancel] = /^\/v1\/deployments\/([^/]+)(\/cancel)?$/.exec(url.pathname) ?? [];
    const found = agent.deployments.get(deploymentId);
    if (!found) return send({ error: { code: 'device.unknown-deployment', message: 'unknown', owner: 'device' } }, 404);
    if (cancel) found.state = 'cancelled';
    const unlike = url.searchParams.get('state');
    if (unlike) await until(() => found.state !== unlike, Number(url.searchParams.get('wait') ?? 0), response);
    send(statusOf(deploymentId, found));
    agent.wake();
  }

  async function until(ready: () => boolean, ms: number, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const timer = setTimeout(() => gone.abort(), ms);
    while (!ready() && !gone.signal.aborted) {
      await new Promise<void>((resolve) => {
        changed.once('change', resolve);
        gone.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    clearTimeout(timer);
  }

  return agent;
}

function addressOf(at: ReturnType<ReturnType<typeof createServer>['address']>): string {
  return typeof at === 'object' && at !== null ? `127.0.0.1:${at.port}` : '';
}

async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
