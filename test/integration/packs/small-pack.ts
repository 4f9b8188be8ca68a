/** A pack of two tiny wheels, and a package index that serves them well or badly. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackDefinition, Wheel } from '#core/packs';
import { onnxruntimeVersion } from '#core/platform';
import { writeZip } from '../../../app/core/datasets/zip.ts';

export interface SmallPack {
  pack: PackDefinition;
  /** Bytes of each wheel by file name. */
  wheels: Map<string, Buffer>;
  writeTo(dir: string): Promise<void>;
}

/** Bytes that do not compress, the same each time. */
export function noise(bytes: number, seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < bytes; i++) parts.push(createHash('sha256').update(`${seed}${i}`).digest());
  return Buffer.concat(parts).subarray(0, bytes);
}

export function smallPack(change: { libraryBytes?: number; lacks?: string } = {}): SmallPack {
  const { libraryBytes = 200_000 } = change;
  const wheels = new Map<string, Buffer>();
  const wheel = (project: string, folder: string, libraries: Record<string, Buffer>): Wheel => {
    const file = `${project.replaceAll('-', '_')}-1.0-py3-none-manylinux_2_28_x86_64.whl`;
    const entries = Object.entries(libraries).map(([name, bytes]) => ({ name: `${folder}/${name}`, bytes }));
    const bytes = writeZip([
      { name: `${folder}/__init__.py`, bytes: Buffer.from('raise SystemExit\n') },
      ...entries.filter(({ name }) => !name.endsWith(change.lacks ?? '\0')),
      { name: `${project}.dist-info/LICENSE`, bytes: Buffer.from('Do as you like.\n') },
    ]);
    wheels.set(file, bytes);
    const sizes = Object.fromEntries(Object.entries(libraries).map(([name, content]) => [name, content.length]));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { project, file, sha256, bytes: bytes.length, folder, libraries: sizes, licences: [`${project}.dist-info/LICENSE`] };
  };
  const pack: PackDefinition = {
    name: 'cuda',
    title: 'a small pack',
    revision: 1,
    onnxruntime: onnxruntimeVersion(),
    platform: process.platform,
    arch: process.arch,
    providers: ['cuda'],
    driver: { vendor: 'NVIDIA', atLeast: '580.65.06', note: 'CUDA 13' },
    licence: { title: 'none', url: 'https://example.org/' },
    wheels: [
      wheel('runtime-gpu', 'onnxruntime/capi', {
        'libonnxruntime_providers_shared.so': Buffer.from('no library at all, and a loader says so'),
        'libonnxruntime_providers_cuda.so': noise(libraryBytes, 'cuda'),
      }),
      wheel('vendor-math', 'vendor/lib', { 'libvendor.so.13': noise(libraryBytes, 'math') }),
    ],
  };
  return {
    pack,
    wheels,
    writeTo: async (dir) => {
      for (const [name, bytes] of wheels) await writeFile(join(dir, name), bytes);
    },
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface TestIndex {
  url: string;
  /** `GET /files/…` with its Range, in order. */
  asked: { path: string; range: string | undefined }[];
  /** Looks at every request first; true when it has answered. */
  before: Handler;
  close(): Promise<void>;
}

/** @param form `json` as PEP 691 has it, `html` as PEP 503 */
export async function testIndex(small: SmallPack, form: 'json' | 'html'): Promise<TestIndex> {
  const asked: TestIndex['asked'] = [];
  const index: Pick<TestIndex, 'before'> = { before: () => false };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const range = request.headers.range;
    asked.push({ path, range });
    if (index.before(request, response)) return;
    const file = /^\/files\/ab\/(.+)$/.exec(path)?.[1];
    const bytes = file === undefined ? undefined : small.wheels.get(file);
    if (bytes) {
      const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
      const body = bytes.subarray(from);
      response.writeHead(range === undefined ? 200 : 206, {
        'content-length': body.length,
        ...(range !== undefined && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
      });
      return void response.end(body);
    }
    const project = /^\/simple\/([a-z-]+)\/$/.exec(path)?.[1];
    const wheel = small.pack.wheels.find((one) => one.project === project);
    if (!wheel) return void response.writeHead(404).end();
    const other = wheel.file.replace('1.0', '0.9');
    if (form === 'json') {
      response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' });
      const files = [other, wheel.file].map((filename) => ({ filename, url: `../../files/ab/${filename}`, hashes: {} }));
      return void response.end(JSON.stringify({ meta: { 'api-version': '1.0' }, name: project, files }));
    }
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end([other, wheel.file].map((name) => `<a href="../../files/ab/${name}#sha256=00">${name}</a><br/>`).join('\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`,
    asked,
    get before() {
      return index.before;
    },
    set before(handler: Handler) {
      index.before = handler;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
