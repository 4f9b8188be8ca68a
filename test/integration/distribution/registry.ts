/** A registry of this program on a free port over a fresh store, and raw HTTP to it. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobStore, openStore } from '#core/bundles';
import { type BundleDoor, openRepositories, type RegistryServer, type Repositories, startRegistryServer } from '#core/distribution';
import { createLog, systemClock } from '#core/platform';

export interface TestRegistry {
  dir: string;
  store: BlobStore;
  repositories: Repositories;
  server: RegistryServer;
  port: number;
  http: Http;
  remove(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  json(): unknown;
}

export interface Asked {
  body?: Uint8Array | string;
  headers?: Record<string, string>;
}

export type Http = (method: string, path: string, asked?: Asked) => Promise<Answer>;

const NO_DOOR: BundleDoor = { admit: async () => {}, remove: async () => {} };

export async function testRegistry(options: { allowDelete?: boolean; htpasswdFile?: string; door?: BundleDoor } = {}): Promise<TestRegistry> {
  const dir = await mkdtemp(join(tmpdir(), 'ew-registry-'));
  const store = await openStore(join(dir, 'store'));
  const repositories = openRepositories({ store, clock: systemClock });
  const server = await startRegistryServer({
    repositories,
    door: options.door ?? NO_DOOR,
    clock: systemClock,
    log: createLog('registry', { level: 'silent' }),
    at: { host: '127.0.0.1', port: 0 },
    htpasswdFile: options.htpasswdFile,
    allowDelete: options.allowDelete ?? false,
  });
  const port = Number(server.address.split(':')[1]);
  return {
    dir,
    store,
    repositories,
    server,
    port,
    http: httpTo(port),
    remove: async () => {
      await server.close();
      repositories.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function httpTo(port: number): Http {
  return (method, path, { body, headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const asked = request({ host: '127.0.0.1', port, method, path, headers: { ...length, ...headers }, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(parts);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, json: () => JSON.parse(whole.toString('utf8')) as unknown });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function sha512(bytes: Uint8Array | string): string {
  return `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
}

/** The code of a failure. */
export function codeOf(answer: Answer): unknown {
  return (answer.json() as { errors: { code: unknown }[] }).errors[0]?.code;
}

/** Puts a blob at once. @returns its descriptor */
export async function putBlob(http: Http, repository: string, bytes: Uint8Array | string, mediaType = 'application/octet-stream') {
  const digest = sha256(bytes);
  const { status } = await http('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes });
  if (status !== 201) throw new Error(`status ${status}`);
  return { mediaType, digest, size: Buffer.byteLength(bytes) };
}

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';

/** Puts a small artifact with its blobs. @returns the manifest's digest and bytes */
export async function putArtifact(http: Http, repository: string, reference: string | undefined, more: Record<string, unknown> = {}) {
  const config = await putBlob(http, repository, '{}', 'application/vnd.oci.empty.v1+json');
  const layer = await putBlob(http, repository, `layer of ${reference ?? 'nothing'}`);
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer], ...more }));
  const digest = sha256(manifest);
  const answer = await http('PUT', `/v2/${repository}/manifests/${reference ?? digest}`, { body: manifest, headers: { 'content-type': MANIFEST } });
  return { digest, manifest, layer, config, answer };
}
