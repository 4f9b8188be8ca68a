/** `bundle push` and `bundle pull`: bundles into and out of OCI registries. */
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { EdgewrightError, formatBytes } from '#contract';
import { proxiesOfEnvironment, userPath } from '#core/platform';
import { action, type Context, setExitCode } from '../command.ts';
import type { Client } from '../connect.ts';
import { readPemFile } from '../pem-file.ts';
import { withProgress } from '../progress.ts';
import { describeVariants } from './bundle.ts';
import { notTrusted } from './bundle-files.ts';

interface AccessFlags {
  plainHttp?: boolean;
  caFile?: string;
  clientCert?: string;
  clientKey?: string;
  username?: string;
  passwordStdin?: boolean;
  authHost?: string;
}

type Access = Parameters<Client['registries']['pull']>[0]['access'];

export function addBundleRegistry(bundle: Command): void {
  withAccess(bundle.command('push'))
    .argument('<ref>', 'name@version or a digest')
    .argument('<registry-ref>', 'HOST[:PORT]/REPOSITORY[:TAG]; without a tag the version is it')
    .description('Send a bundle with its signatures to an OCI registry; what was cut off is gone on with')
    .action(
      action(async (context: Context, ref: string, target: string, flags: AccessFlags) => {
        const { client, output, signal } = context;
        const access = await accessOf(flags);
        const pushed = await withProgress(context, (jobId) => client.registries.push({ ref, target, access, jobId }, { signal }));
        const lines = [
          `Pushed ${pushed.ref} to ${pushed.target} (${pushed.digest}).`,
          `${pushed.blobs} files, ${formatBytes(pushed.bytesTotal)}; ${formatBytes(pushed.bytesSent)} sent.`,
        ];
        if (pushed.replaced !== undefined) lines.push(`The tag pointed to ${pushed.replaced} before.`);
        if (pushed.referrers === 'tag') lines.push('This registry has no referrers API: signatures are listed under the tag that stands in for it.');
        output.result({ ...pushed }, lines);
      }),
    );

  withAccess(bundle.command('pull'))
    .argument('<registry-ref>', 'HOST[:PORT]/REPOSITORY:TAG or …@DIGEST')
    .description('Take a bundle in from an OCI registry: checked, run and verified like a build; what was cut off is gone on with')
    .action(
      action(async (context: Context, target: string, flags: AccessFlags) => {
        const { client, output, signal } = context;
        const access = await accessOf(flags);
        const pulled = await withProgress(context, (jobId) => client.registries.pull({ target, access, jobId }, { signal }));
        const untrusted = notTrusted(pulled);
        if (untrusted) setExitCode(5);
        const lines = untrusted
          ? [untrusted.message, `  ${untrusted.hint}`]
          : [`Pulled ${pulled.name}@${pulled.version}.`, ...describeVariants(pulled), ...pulled.warnings.map((w) => `Warning: ${w.message}`)];
        output.result({ ...pulled }, lines, untrusted);
      }),
    );
}

function withAccess(command: Command): Command {
  return command
    .option('--username <name>', 'log in as this user; else as docker login says')
    .option('--password-stdin', 'read the password from standard input')
    .option('--ca-file <file>', 'certificates of a private authority, PEM')
    .option('--client-cert <file>', 'client certificate, PEM')
    .option('--client-key <file>', 'its private key, PEM')
    .option('--auth-host <host>', 'another host that may be given the password, where the registry’s tokens come from there')
    .option('--plain-http', 'speak HTTP without TLS');
}

async function accessOf(flags: AccessFlags): Promise<Access> {
  const pem = async (path: string | undefined) => (path === undefined ? undefined : readPemFile(path));
  const [ca, cert, key] = await Promise.all([pem(flags.caFile), pem(flags.clientCert), pem(flags.clientKey)]);
  if ((cert === undefined) !== (key === undefined)) throw usage('--client-cert and --client-key go together.');
  if ((flags.username === undefined) !== (flags.passwordStdin === undefined)) throw usage('--username and --password-stdin go together.');
  const { env } = process;
  return {
    plainHttp: flags.plainHttp ?? false,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { client: { cert, key } }),
    ...(flags.username !== undefined && { login: { user: flags.username, password: (await text(process.stdin)).replace(/\r?\n$/, '') } }),
    ...(flags.authHost !== undefined && { authHost: flags.authHost }),
    proxies: proxiesOfEnvironment(),
    ...(env.DOCKER_CONFIG !== undefined && { dockerConfig: userPath(env.DOCKER_CONFIG) }),
  };
}

function usage(message: string): EdgewrightError {
  return new EdgewrightError({ code: 'usage', message, owner: 'usage' });
}
