/** Registry tools of others, as they are found on the PATH; see test/conformance/oci/README.md for where they come from. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { httpTo } from '../../integration/distribution/registry.ts';
import { run } from '../trust/oms.ts';

export async function isOnPath(name: string): Promise<boolean> {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    if (dir === '') continue;
    const found = await access(join(dir, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Copies everything that a tag leads to. @param from, to `127.0.0.1:5000/digits:1.0.0` */
export type Copy = (from: string, to: string, home: string) => Promise<void>;

async function tool(name: string, args: readonly string[], home: string): Promise<void> {
  const { code, stdout, stderr } = await run(
    'env',
    [`HOME=${home}`, `XDG_RUNTIME_DIR=${home}`, `REGCTL_CONFIG=${join(home, 'regctl.json')}`, name, ...args],
    '',
  );
  if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}: ${stdout.slice(-1000)}${stderr.slice(-2000)}`);
}

export const COPIES: Record<string, Copy> = {
  crane: (from, to, home) => tool('crane', ['copy', '--insecure', from, to], home),
  oras: (from, to, home) => tool('oras', ['copy', '--recursive', '--from-plain-http', '--to-plain-http', from, to], home),
  async regctl(from, to, home) {
    for (const ref of [from, to]) await tool('regctl', ['registry', 'set', '--tls', 'disabled', hostOf(ref)], home);
    await tool('regctl', ['image', 'copy', '--referrers', '--digest-tags', from, to], home);
  },
  skopeo: (from, to, home) =>
    tool('skopeo', ['--insecure-policy', 'copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', `docker://${from}`, `docker://${to}`], home),
};

/** By way of a folder or a file on a disk, as on a stick. */
export const CARRIES: Record<string, (from: string, to: string, dir: string) => Promise<void>> = {
  async skopeo(from, to, dir) {
    const layout = `oci:${join(dir, 'layout')}:1.0.0`;
    const common = ['--insecure-policy', 'copy', '--all'];
    await tool('skopeo', [...common, '--src-tls-verify=false', `docker://${from}`, layout], dir);
    await tool('skopeo', [...common, '--dest-tls-verify=false', layout, `docker://${to}`], dir);
  },
  async oras(from, to, dir) {
    const layout = `${join(dir, 'layout')}:1.0.0`;
    await tool('oras', ['copy', '--recursive', '--from-plain-http', '--to-oci-layout', from, layout], dir);
    await tool('oras', ['copy', '--recursive', '--from-oci-layout', '--to-plain-http', layout, to], dir);
  },
  async regctl(from, to, dir) {
    const file = join(dir, 'bundle.tar');
    for (const ref of [from, to]) await tool('regctl', ['registry', 'set', '--tls', 'disabled', hostOf(ref)], dir);
    await tool('regctl', ['image', 'export', from, file], dir);
    await tool('regctl', ['image', 'import', to, file], dir);
  },
  async crane(from, to, dir) {
    const layout = join(dir, 'layout');
    await tool('crane', ['pull', '--insecure', '--format=oci', from, layout], dir);
    await tool('crane', ['push', '--insecure', layout, to], dir);
  },
};

function hostOf(ref: string): string {
  return ref.slice(0, ref.indexOf('/'));
}

export interface DockerRegistry {
  host: string;
  stop(): Promise<void>;
}

/** Docker's registry on a free port, with deletion allowed. @param program `registry-v2` or `registry-v3` */
export async function dockerRegistry(program: string, dir: string): Promise<DockerRegistry> {
  const port = await freePort();
  await mkdir(join(dir, 'data'), { recursive: true });
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  // JSON is YAML.
  await writeFile(join(dir, 'config.yml'), JSON.stringify(config));
  const child: ChildProcess = spawn(program, ['serve', join(dir, 'config.yml')], { stdio: 'ignore', env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' } });
  const ended = once(child, 'exit');
  const http = httpTo(port);
  const until = Date.now() + 20_000;
  for (;;) {
    const there = await http('GET', '/v2/').then(
      ({ status }) => status === 200,
      () => false,
    );
    if (there) break;
    if (Date.now() > until || child.exitCode !== null) throw new Error(`${program} did not start`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    host: `127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
