/** `registry serve` as a process of its own, as people run it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cli, ROOT } from '../../lib/cli.ts';
import { type Http, httpTo, sha256 } from './registry.ts';

export interface Served {
  child: ChildProcess;
  url: string;
  /** `127.0.0.1:12345` */
  address: string;
  http: Http;
  /** Ends it as Ctrl-C does. @returns its exit code */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

export async function serve(home: string, args: readonly string[] = ['--listen', '127.0.0.1:0']): Promise<Served> {
  const child = spawn(process.execPath, [join(ROOT, 'app', 'cli', 'main.ts'), 'registry', 'serve', '--json', ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', HOME: home, EDGEWRIGHT_HOME: home, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), ended]);
  const ready = JSON.parse(String(first[0])) as { ok: boolean; url: string; address: string };
  if (!ready.ok) throw new Error(String(first[0]));
  return {
    child,
    url: ready.url,
    address: ready.address,
    http: httpTo(Number(new URL(ready.url).port)),
    stop: async () => {
      child.kill('SIGINT');
      return ((await ended) as [number | null])[0];
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Builds the sample bundle, digits@1.0.0, in a workspace. @returns digests of its index and of its one variant */
export async function buildSample(home: string): Promise<{ index: string; variant: string }> {
  const built = await cli(['bundle', 'build', join(ROOT, 'assets', 'sample-bundle'), '--json'], { home });
  if (built.code !== 0) throw new Error(built.stdout + built.stderr);
  const { digest: index, variants } = built.json() as { digest: string; variants: [{ digest: string }] };
  return { index, variant: variants[0].digest };
}

/** Makes an empty workspace with the keys of another, so that what that one signed is trusted. */
export async function homeLike(source: string, home: string): Promise<string> {
  await mkdir(home, { recursive: true });
  await cp(join(source, 'keys'), join(home, 'keys'), { recursive: true });
  return home;
}

interface Listed {
  digest: string;
  mediaType: string;
}

interface Document {
  config?: Listed;
  layers?: Listed[];
  manifests?: Listed[];
}

/** Copies what a digest leads to from one registry to another, as any client would. @returns the document's bytes */
export async function copyTree(from: Http, to: Http, repository: string, digest: string, tag?: string): Promise<number> {
  const got = await from('GET', `/v2/${repository}/manifests/${digest}`);
  const document = got.json() as Document;
  for (const child of document.manifests ?? []) await copyTree(from, to, repository, child.digest);
  for (const blob of [...(document.config ? [document.config] : []), ...(document.layers ?? [])]) {
    if ((await to('HEAD', `/v2/${repository}/blobs/${blob.digest}`)).status === 200) continue;
    const { body } = await from('GET', `/v2/${repository}/blobs/${blob.digest}`);
    if (sha256(body) !== blob.digest) throw new Error('the source gave other bytes');
    await to('POST', `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`, { body });
  }
  const put = await to('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, {
    body: got.body,
    headers: { 'content-type': got.headers['content-type'] ?? '' },
  });
  return put.status;
}

/** Digests that refer to a manifest. */
export async function referrersOf(http: Http, repository: string, digest: string): Promise<string[]> {
  const list = (await http('GET', `/v2/${repository}/referrers/${digest}`)).json() as { manifests: Listed[] };
  return list.manifests.map((one) => one.digest);
}
