/** A small OCI registry on real sockets with mutual TLS, and knobs to misbehave. Stands in for the other end of the push API. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDeviceIdentity, type Keyring, openKeyring } from '#core/trust';
import { openPeer, type Peer, type PeerOptions } from '#core/transfer';

export interface SmallRegistry {
  port: number;
  blobs: Map<string, Buffer>;
  manifests: Map<string, Buffer>;
  /** `METHOD path` of every request, upload ids replaced by *. */
  seen: string[];
  /** Body bytes that arrived in all. */
  received: number;
  /** Called first; returns true when it has taken care of the request. */
  misbehave: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Takes a blob with the POST that begins its upload. */
  takesWhole: boolean;
  /** Cuts the connection of each PATCH after so many more bytes of body; one entry per PATCH, undefined lets it pass. */
  cuts: (number | undefined)[];
  /** Forgets all uploads, as a restart without memory would. */
  forgetUploads(): void;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

export interface Trusted {
  dir: string;
  keyring: Keyring;
  deviceId: string;
  key: string;
  cert: string;
  peer(port: number, more?: Partial<PeerOptions>): Peer;
  clean(): Promise<void>;
}

/** A workspace's keys and one device's certificate from its CA. */
export async function trusted(deviceId = 'dev1'): Promise<Trusted> {
  const dir = await mkdtemp(join(tmpdir(), 'transfer-'));
  const keyring = await openKeyring(dir);
  const identity = await createDeviceIdentity(deviceId);
  const cert = await keyring.issueDeviceCertificate(identity.csrPem, deviceId);
  return {
    dir,
    keyring,
    deviceId,
    key: identity.privateKeyPem,
    cert,
    peer: (port, more) => openPeer({ address: `127.0.0.1:${port}`, deviceId, label: 'dev-1', tls: keyring.clientTls(), ...more }),
    clean: () => rm(dir, { recursive: true, force: true }),
  };
}

export async function smallRegistry(tls: { key: string; cert: string; ca: string; tls12?: boolean }): Promise<SmallRegistry> {
  const uploads = new Map<string, Buffer>();
  const sockets = new Set<{ destroy(): unknown }>();
  let nextUpload = 1;
  const registry: SmallRegistry = {
    port: 0,
    blobs: new Map(),
    manifests: new Map(),
    seen: [],
    received: 0,
    misbehave: () => false,
    takesWhole: true,
    cuts: [],
    forgetUploads: () => uploads.clear(),
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
    restart: async () => {
      server = await listen(registry.port);
    },
  };

  function headers(id: string): Record<string, string> {
    const length = uploads.get(id)?.length ?? 0;
    return { location: `/v2/digits/blobs/uploads/${id}`, range: `0-${Math.max(length - 1, 0)}` };
  }

  function answer(response: ServerResponse, status: number, more: Record<string, string> = {}, code?: string): void {
    const body = code ? JSON.stringify({ errors: [{ code, message: code }] }) : '';
    response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...more }).end(body);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://x');
    registry.seen.push(`${request.method ?? ''} ${url.pathname.replace(/uploads\/.+/, 'uploads/*')}`);
    if (registry.misbehave(request, response)) return;
    const blob = /\/blobs\/(sha256:.+)$/.exec(url.pathname)?.[1];
    if (blob) return registry.blobs.has(blob) ? answer(response, 200) : answer(response, 404);
    const whole = url.searchParams.get('digest');
    if (request.method === 'POST' && whole !== null && registry.takesWhole && Number(request.headers['content-length']) > 0) {
      const bytes = await body(request);
      if (`sha256:${createHash('sha256').update(bytes).digest('hex')}` !== whole) return answer(response, 400, {}, 'DIGEST_INVALID');
      registry.blobs.set(whole, bytes);
      return answer(response, 201);
    }
    if (request.method === 'POST') {
      const id = String(nextUpload++);
      uploads.set(id, Buffer.alloc(0));
      return answer(response, 202, headers(id));
    }
    const manifest = /\/manifests\/(sha256:.+)$/.exec(url.pathname)?.[1];
    if (manifest) {
      registry.manifests.set(manifest, await body(request));
      return answer(response, 201);
    }
    const id = /uploads\/(.+)$/.exec(url.pathname)?.[1] ?? '';
    const have = uploads.get(id);
    if (!have) return answer(response, 404, {}, 'BLOB_UPLOAD_UNKNOWN');
    if (request.method === 'GET') return answer(response, 204, headers(id));
    if (request.method === 'PATCH') {
      const start = Number(String(request.headers['content-range']).split('-')[0]);
      if (start !== have.length) return answer(response, 416, headers(id));
      const { socket } = request;
      const cut = registry.cuts.shift();
      const got = await body(request, cut);
      uploads.set(id, Buffer.concat([have, got]));
      if (cut !== undefined) return void socket.destroy();
      return answer(response, 202, headers(id));
    }
    const digest = url.searchParams.get('digest') ?? '';
    if (`sha256:${createHash('sha256').update(have).digest('hex')}` !== digest) return answer(response, 400, {}, 'DIGEST_INVALID');
    registry.blobs.set(digest, have);
    uploads.delete(id);
    answer(response, 201);
  }

  async function body(request: IncomingMessage, max = Number.POSITIVE_INFINITY): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      const kept = part.subarray(0, Math.max(0, max - length));
      parts.push(kept);
      length += kept.length;
      registry.received += part.length;
      if (length >= max) break;
    }
    return Buffer.concat(parts);
  }

  async function listen(port: number): Promise<Server> {
    const made = createServer(
      {
        key: tls.key,
        cert: tls.cert,
        ca: tls.ca,
        requestCert: true,
        rejectUnauthorized: true,
        ...(tls.tls12 ? { maxVersion: 'TLSv1.2' } : { minVersion: 'TLSv1.3' }),
      },
      (request, response) => {
        const { socket } = request;
        handle(request, response).catch(() => socket.destroy());
      },
    );
    made.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve));
    return made;
  }

  let server = await listen(0);
  const address = server.address();
  registry.port = typeof address === 'object' && address !== null ? address.port : 0;
  return registry;
}
