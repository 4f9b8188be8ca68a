import type { Command } from 'commander';
import { EdgewrightError } from '#contract';
import { parseAddress, userPath, workspaceHome } from '#core/platform';
import { wantsJson } from '../command.ts';
import { connect } from '../connect.ts';
import { onInterrupt } from '../interrupt.ts';
import { createOutput } from '../output.ts';

interface ServeFlags {
  listen: string;
  tlsCert?: string;
  tlsKey?: string;
  htpasswd?: string;
  allowDelete?: boolean;
}

export function addRegistry(program: Command): void {
  const registry = program.command('registry').description('Serve the bundles of this workspace to any OCI tool');

  registry
    .command('serve')
    .description('Serve the store over the OCI distribution API, until stopped')
    .option('--listen <host:port>', 'where to listen; other than on loopback it needs TLS and a password file', '127.0.0.1:5000')
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--htpasswd <file>', 'users and their bcrypt hashes (htpasswd -B)')
    .option('--allow-delete', 'let clients delete tags, manifests and blobs')
    .action(async (flags: ServeFlags, command: Command) => {
      const output = createOutput(wantsJson(command));
      const { serveRegistry } = await import('#engine');
      const server = await serveRegistry({
        home: workspaceHome(),
        at: parseAddress(flags.listen),
        tls: tlsOf(flags),
        htpasswdFile: flags.htpasswd === undefined ? undefined : userPath(flags.htpasswd),
        allowDelete: flags.allowDelete ?? false,
        connect,
      });
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      const release = onInterrupt(stop);
      output.result({ ready: true, url: server.url, address: server.address }, [`Registry ready: ${server.url}`]);
      await stopped;
      release();
      await server.close();
    });
}

function tlsOf({ tlsCert, tlsKey }: ServeFlags): { certFile: string; keyFile: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert !== undefined && tlsKey !== undefined) return { certFile: userPath(tlsCert), keyFile: userPath(tlsKey) };
  throw new EdgewrightError({ code: 'usage', message: '--tls-cert and --tls-key go together.', owner: 'usage' });
}
