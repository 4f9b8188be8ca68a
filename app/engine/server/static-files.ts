/** Serves the built screens: a fixed list of files read at start, so that no request ever becomes a path on disk. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, posix } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.map': 'application/json',
};

/** Where index.html wants the nonce of this page load. */
const NONCE_PLACE = '__CSP_NONCE__';

export interface StaticFile {
  type: string;
  bytes: Buffer;
}

/** URL path -> file, for every known file type under `dir`; empty when the screens were not built. */
export async function readStaticFiles(dir: string): Promise<Map<string, StaticFile>> {
  const files = new Map<string, StaticFile>();
  let names: string[];
  try {
    names = await readdir(dir, { recursive: true });
  } catch {
    return files;
  }
  for (const name of names) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    files.set(`/${name.split('\\').join('/')}`, { type, bytes: await readFile(join(dir, name)) });
  }
  return files;
}

/** The file for a request path; the screens route behind `#`, so anything unknown is simply not there. */
export function findStatic(files: Map<string, StaticFile>, url: string, nonce: string): StaticFile | undefined {
  let path: string;
  try {
    path = posix.normalize(decodeURIComponent(new URL(url, 'http://x').pathname));
  } catch {
    return undefined;
  }
  if (path === '/') path = '/index.html';
  const file = files.get(path);
  if (path !== '/index.html' || !file) return file;
  return { type: file.type, bytes: Buffer.from(file.bytes.toString('utf8').replaceAll(NONCE_PLACE, nonce)) };
}

/** What a browser sees when the screens were not built: how to get them. */
export const NOT_BUILT: StaticFile = {
  type: 'text/html; charset=utf-8',
  bytes: Buffer.from('<!doctype html><title>Edgewright</title><p>The screens are not built. Run <code>npm run build</code>, then start again.</p>'),
};
