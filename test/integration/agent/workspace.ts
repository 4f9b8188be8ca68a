/** The workspace's end for tests: real keys, a real registry, tiny real models, and the wire spoken by hand where it must be wrong. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { expect } from 'vitest';
import { z } from 'zod';
import { openCatalogue, openRegistry, openStore } from '#core/bundles';
import { makeTensor as tensor, writeNpz } from '#core/datasets';
import {
  AgentStatusSchema,
  DeploymentAcceptedSchema,
  type DeploymentOrder,
  type DeploymentStatus,
  DeploymentStatusSchema,
  EnrolledSchema,
  ENDED_STATES,
  EventsAnswerSchema,
  PROTOCOL_VERSION,
  pairingExporter,
  pairingWire,
  ProofSchema,
  type Refused,
  RefusedSchema,
} from '#core/protocol';
import { DataType, makeNode, makeTensor, writeModel } from '#core/onnx';
import { pushBlob, pushManifest } from '#core/distribution';
import { openPeer, type Peer } from '#core/transfer';
import { certificateDer, type Keyring, openKeyring, pairingMac } from '#core/trust';
import { createReadStream } from 'node:fs';
import { systemClock } from '#core/platform';
import { temporaryFolder, type AgentProcess } from './agent-process.ts';
import { model, value } from '../../unit/onnx/models.ts';

export type TestWorkspace = Awaited<ReturnType<typeof makeWorkspace>>;

export async function makeWorkspace() {
  const dir = await temporaryFolder('workspace');
  const keyring = await openKeyring(join(dir, 'keys'));
  const store = await openStore(join(dir, 'store'));
  const catalogue = openCatalogue(join(dir, 'catalogue.db'));
  const registry = await openRegistry({ store, catalogue, keyring });

  /** Builds a bundle and makes the order that would deploy it. */
  async function order(bundle: LookupBundle, more: Partial<DeploymentOrder> = {}): Promise<DeploymentOrder> {
    return orderFor(await writeLookup(await temporaryFolder('bundle'), bundle), more);
  }

  /** The same for a folder with edgewright.yaml. */
  async function orderFor(folder: string, more: Partial<DeploymentOrder> = {}): Promise<DeploymentOrder> {
    const built = await registry.build(folder, { admit: async () => ({ ok: true, warnings: [] }) });
    const variant = built.variants[0];
    if (!variant) throw new Error('no variant');
    const blobs = (await registry.manifestClosure(variant.digest)).map(({ digest, size }) => ({ digest, size }));
    const manifest = blobs.find((blob) => blob.digest === variant.digest);
    if (!manifest) throw new Error('no manifest in the closure');
    return {
      id: `d-${built.version.replaceAll('.', '-')}-${Math.random().toString(36).slice(2, 10)}`,
      name: built.name,
      version: built.version,
      variant: variant.name,
      manifest,
      blobs,
      watch: { seconds: 0, requests: 0, maxFailureShare: 0.05, minFailures: 3 },
      limits: {},
      allowDowngrade: false,
      ...more,
    };
  }

  return { dir, keyring, store, order, orderFor, device: (agent: AgentProcess) => deviceOf(agent, keyring, store) };
}

export interface LookupBundle {
  name?: string;
  version: string;
  /** The table the model looks its answer up in; an index beyond it makes the run fail. */
  table: readonly number[];
  /** What the golden set expects for the indices 0..n-1; default: what the table holds. */
  golden?: readonly number[];
  /** Raw inputs of the golden set: tables of a column `i`. */
  raw?: Readonly<Record<string, string>>;
  yaml?: string;
}

/** A model of one Gather: `value[i] = table[index[i]]`. It fails on some inputs only, which is what a watch must notice. */
async function writeLookup(dir: string, { name = 'lookup', version, table, golden = table.slice(0, 4), raw, yaml = '' }: LookupBundle): Promise<string> {
  await mkdir(dir, { recursive: true });
  const lookup = model({
    name: 'lookup',
    node: [makeNode('Gather', ['table', 'index'], ['value'], { name: 'look_up' })],
    initializer: [makeTensor('table', 'float32', [table.length], Float32Array.from(table))],
    input: [value('index', ['n'], DataType.int64)],
    output: [value('value', ['n'])],
  });
  await writeModel(lookup, join(dir, 'model.onnx'));
  const indices = BigInt64Array.from(golden.map((_, i) => BigInt(i)));
  await writeNpz(
    join(dir, 'golden.npz'),
    new Map([
      ['in_index', tensor('int64', [golden.length], indices)],
      ['out_value', tensor('float32', [golden.length], Float32Array.from(golden))],
    ]),
  );
  if (raw) {
    await mkdir(join(dir, 'golden'));
    for (const [file, text] of Object.entries(raw)) await writeFile(join(dir, 'golden', file), text);
    await writeFile(join(dir, 'recipe.yaml'), '{kind: table, columns: [{name: i, type: integer}]}');
  }
  const set = raw ? '{tensors: golden.npz, raw: golden}\nrecipe: recipe.yaml' : 'golden.npz';
  await writeFile(join(dir, 'edgewright.yaml'), `name: ${name}\nversion: ${version}\nmodel: model.onnx\ngolden: ${set}\n${yaml}`);
  return dir;
}

/** Ten values: every index of a digit finds one. */
export const WHOLE_TABLE = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

function deviceOf(agent: AgentProcess, keyring: Keyring, store: Awaited<ReturnType<typeof openStore>>) {
  const peer = openPeer({ address: agent.ready.management, deviceId: agent.ready.id, label: 'the device', tls: keyring.clientTls() });
  const get = (id: string, query = '') => peer.json('GET', `/v1/deployments/${id}${query}`, DeploymentStatusSchema, { waitMs: 20_000 });

  async function offer(order: DeploymentOrder) {
    return peer.json('POST', '/v1/deployments', DeploymentAcceptedSchema, { body: order });
  }

  async function push(order: DeploymentOrder, missing: readonly string[], from = store): Promise<void> {
    for (const digest of missing) {
      const size = order.blobs.find((blob) => blob.digest === digest)?.size ?? 0;
      const blob = { digest, size, open: (start: number, end: number) => createReadStream(from.path(digest), { start, end: end - 1 }) };
      if (digest === order.manifest.digest)
        await pushManifest(
          peer,
          { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', bytes: await from.read(digest) },
          { repository: order.name, clock: systemClock },
        );
      else await pushBlob(peer, blob, { repository: order.name, clock: systemClock, memory: noMemory });
    }
  }

  /** Follows a deployment until `done`, by long polls. */
  async function follow(id: string, done: (status: DeploymentStatus) => boolean): Promise<DeploymentStatus> {
    let status = await get(id);
    while (!done(status)) status = await get(id, `?wait=5000&state=${encodeURIComponent(status.state)}`);
    return status;
  }

  async function deploy(
    order: DeploymentOrder,
    until: (status: DeploymentStatus) => boolean = (s) => ENDED_STATES.includes(s.state),
  ): Promise<DeploymentStatus> {
    await push(order, (await offer(order)).missing);
    return follow(order.id, until);
  }

  return {
    peer,
    get,
    offer,
    push,
    follow,
    deploy,
    status: () => peer.json('GET', '/v1/status', AgentStatusSchema),
    events: async () => (await peer.json('GET', '/v1/events?after=0', EventsAnswerSchema)).events,
    post: (path: string, body: unknown = {}) => peer.json('POST', path, z.looseObject({}), { body }),
    infer: (index: readonly number[], model = 'lookup') => infer(agent.ready.inference, model, index),
  };
}

const noMemory = { get: () => undefined, set: () => {}, clear: () => {} };

export interface InferAnswer {
  status: number;
  body: { outputs?: { name: string; data: number[] }[]; error?: string };
}

export async function infer(address: string, model: string, index: readonly number[]): Promise<InferAnswer> {
  const body = JSON.stringify({ inputs: [{ name: 'index', datatype: 'INT64', shape: [index.length], data: index }] });
  const response = await fetch(`http://${address}/v2/models/${model}/infer`, { method: 'POST', body });
  return { status: response.status, body: (await response.json()) as InferAnswer['body'] };
}

/** Waits until everything that should answer can. */
export async function waitUntilReady(address: string): Promise<void> {
  await expect.poll(async () => (await fetch(`http://${address}/v2/health/ready`)).status, { timeout: 20_000, interval: 50 }).toBe(200);
}

/** Pairs by hand, so that every message can be made wrong. */
export async function pair(
  address: string,
  keyring: Keyring,
  options: { code: string; name?: string; change?: (message: Record<string, unknown>) => Record<string, unknown>; tls?: object },
): Promise<{ enrolled: true; deviceId: string } | Refused> {
  const tls = keyring.clientTls();
  const socket = await dial(address, { cert: tls.cert, key: tls.key, ...options.tls });
  try {
    const wire = pairingWire(socket);
    const change = options.change ?? ((message: Record<string, unknown>) => message);
    const proof = {
      code: options.code,
      exporter: pairingExporter(socket),
      workspaceCert: certificateDer(tls.cert),
      deviceCert: socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0),
      workspaceId: keyring.workspaceId,
    };
    const send = (message: Record<string, unknown>) => wire.send(change(message) as never);
    await send({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      workspaceId: keyring.workspaceId,
      name: options.name ?? 'bench',
      mac: pairingMac({ ...proof, role: 'workspace' }).toString('base64'),
    });
    const answer = await wire.receive(z.union([ProofSchema, RefusedSchema]));
    if (answer.type === 'refused') return answer;
    if (answer.mac !== pairingMac({ ...proof, role: 'device' }).toString('base64')) throw new Error('the device did not prove itself');
    const certificate = await keyring.issueDeviceCertificate(answer.csr, answer.deviceId);
    await send({ type: 'enrol', certificate, ca: keyring.caCertificatePem, signer: keyring.publicKeyPem, workspaceId: keyring.workspaceId });
    const last = await wire.receive(z.union([EnrolledSchema, RefusedSchema]));
    return last.type === 'refused' ? last : { enrolled: true, deviceId: answer.deviceId };
  } finally {
    socket.destroy();
  }
}

export function dial(address: string, options: object): Promise<TLSSocket> {
  const [host, port] = address.split(':');
  return new Promise((done, fail) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ...options }, () => done(socket));
    socket.once('error', fail);
  });
}

/** An agent that belongs to the workspace. */
export async function enrol(agent: AgentProcess, workspace: TestWorkspace): Promise<void> {
  const { pairing } = agent.ready;
  if (!pairing?.code) throw new Error('the pairing door is not open');
  const result = await pair(pairing.address, workspace.keyring, { code: pairing.code });
  if (!('enrolled' in result)) throw new Error(result.error.message);
}

export type { Peer };
