/** A registry with a bundle in it, and a server in front of it that passes requests on unless it is told to misbehave. */
import { once } from 'node:events';
import { join } from 'node:path';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openPullSource, openRegistryClient, openRepositories, type RegistryAccess, type Repositories, startRegistryServer } from '#core/distribution';
import { createLog, systemClock } from '#core/platform';
import type { BlobStore } from '#core/bundles';

/** @returns whether it answered */
export type Misbehave = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface Front {
  /** `127.0.0.1:12345` */
  host: string;
  repositories: Repositories;
  misbehave: Misbehave;
  /** `GET /v2/…` of every request. */
  seen: string[];
  /** The headers of every request. */
  headers: IncomingMessage['headers'][];
  close(): Promise<void>;
}

export async function frontOf(store: BlobStore): Promise<Front> {
  const repositories = openRepositories({ store, clock: systemClock });
  const door = { admit: async () => {}, remove: async () => {} };
  const common = { repositories, door, clock: systemClock, log: createLog('registry', { level: 'silent' }), allowDelete: true };
  const behind = await startRegistryServer({ ...common, at: { host: '127.0.0.1', port: 0 } });
  const [, port] = behind.address.split(':');
  const front: Front = { host: '', repositories, misbehave: () => false, seen: [], headers: [], close: async () => {} };
  const server = createServer((asked, answer) => {
    front.seen.push(`${asked.method} ${asked.url}`);
    front.headers.push(asked.headers);
    if (front.misbehave(asked, answer)) return;
    const passed = request(
      { host: '127.0.0.1', port, method: asked.method, path: asked.url, headers: { ...asked.headers, host: behind.address } },
      (response) => {
        answer.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(answer);
      },
    );
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  front.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  front.close = async () => {
    server.closeAllConnections();
    server.close();
    await behind.close();
    repositories.close();
  };
  return front;
}

/** Short pauses, and an end soon. */
export const QUICK = { clock: systemClock, firstMs: 1, giveUpMs: 300 };

export async function clientTo(host: string, access: RegistryAccess = {}, repository = 'digits') {
  return openRegistryClient(
    { host, repository },
    { plainHttp: true, dockerConfig: join('/', 'nowhere'), ...access },
    { clock: systemClock, actions: 'pull,push' },
  );
}

/** What `registry.receive` takes in from there. */
export async function sourceAt(host: string, access: RegistryAccess = {}, tag = '1.0.0') {
  const client = await clientTo(host, access);
  return openPullSource(client, { host, repository: 'digits', tag }, QUICK);
}

/** Answers with these bytes. */
export function send(response: ServerResponse, status: number, body: Uint8Array | string, headers: Record<string, string> = {}): true {
  response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers });
  response.end(body);
  return true;
}
