import type { Command } from 'commander';
import { asEdgewrightError, type Deployment, EdgewrightError, exitCodeOf, formatBytes } from '#contract';
import { action, type Context, setExitCode } from '../command.ts';
import { table } from '../output.ts';
import { followJob } from '../progress.ts';
import { deviceNames } from './device.ts';

export function addDeploy(program: Command): void {
  program
    .command('deploy')
    .argument('<ref>', 'name@version[#variant]')
    .requiredOption('--to <devices>', 'device names, comma-separated')
    .option('--variant <name>', 'which variant; else the one the last trial chose')
    .option('--watch <seconds>', 'how long the device watches it before it commits')
    .option('--watch-requests <n>', 'how many requests it must serve before it commits')
    .option('--allow-downgrade', 'deploy although the device serves a newer version')
    .option('--override <reason>', 'deploy although a pre-flight check says no; the reason is recorded')
    .description('Send a variant to devices; each tests it, switches, watches it, and rolls back by itself')
    .action(
      action(
        async (
          { client, output }: Context,
          ref: string,
          options: { to: string; variant?: string; watch?: string; watchRequests?: string; override?: string; allowDowngrade?: boolean },
        ) => {
          const settings = await client.system.settings();
          const { jobId, deployments } = await client.deployments.start({
            ref,
            devices: deviceNames(options.to),
            watch: { seconds: Number(options.watch ?? settings.watchSeconds), requests: Number(options.watchRequests ?? settings.watchRequests) },
            ...(options.variant !== undefined && { variant: options.variant }),
            allowDowngrade: options.allowDowngrade ?? false,
            ...(options.override !== undefined && { override: options.override }),
          });
          // The job fails when any deployment fails; each one's own state says more.
          const failure = await followJob(client, jobId, { quiet: output.json }).then(
            () => undefined,
            (error: unknown) => error,
          );
          const done = await Promise.all(deployments.map((id) => client.deployments.show({ id })));
          const failed = done.find((d) => d.error)?.error;
          if (failed === undefined && failure !== undefined) throw asEdgewrightError(failure);
          // A script wants every deployment's state in any case; a person is helped more by the one reason and its hint.
          if (failed && !output.json && done.every((d) => d.error)) throw new EdgewrightError(failed);
          if (failed) setExitCode(exitCodeOf(failed.owner));
          output.result({ deployments: done }, describeDeployments(done), failed);
        },
      ),
    );
}

export function describeDeployments(done: readonly Deployment[]): string[] {
  return table(
    ['Device', 'Bundle', 'State', 'Sent', 'Of', 'Seconds', 'Why'],
    done.map((d) => [
      d.device,
      `${d.ref}#${d.variant}`,
      d.state,
      formatBytes(d.bytesSent),
      formatBytes(d.bytesTotal),
      d.seconds.toFixed(1),
      d.error?.message ?? '',
    ]),
    [3, 4, 5],
  );
}
