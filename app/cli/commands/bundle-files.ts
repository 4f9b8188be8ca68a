/** A bundle as one file: `bundle export`, and the part of `import` that takes one in. */
import type { Command } from 'commander';
import { type ErrorBody, formatBytes, type Imported } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context, setExitCode } from '../command.ts';
import { withProgress } from '../progress.ts';
import { describeVariants } from './bundle.ts';

export function addBundleFiles(bundle: Command): void {
  bundle
    .command('export')
    .argument('<ref>', 'name@version or a digest')
    .argument('<file>', 'the file to write')
    .description('Write a bundle to one file, with its signatures; what was cut off is gone on with')
    .action(
      action(async (context: Context, ref: string, file: string) => {
        const { client, output, signal } = context;
        const exported = await withProgress(context, (jobId) => client.bundles.exportFile({ ref, file: userPath(file), jobId }, { signal }));
        const resumed = exported.resumedBytes > 0 ? ` ${formatBytes(exported.resumedBytes)} of it were there already.` : '';
        output.result({ ...exported }, [
          `Exported ${exported.ref} to ${exported.file} (${formatBytes(exported.bytes)}).${resumed}`,
          'It is an OCI archive: edgewright bundle import takes it in elsewhere, and so do registry tools.',
        ]);
      }),
    );
}

/** Takes in what `bundle export` or a registry tool wrote. What nobody trusted signed is kept, and exits with 5. */
export async function importArchive(context: Context, file: string, options: { ref?: string | undefined }): Promise<void> {
  const { client, output, signal } = context;
  const request = { file: userPath(file), ...(options.ref !== undefined && { ref: options.ref }) };
  const imported = await withProgress(context, (jobId) => client.bundles.importFile({ ...request, jobId }, { signal }));
  const untrusted = notTrusted(imported);
  if (untrusted) setExitCode(5);
  const lines = untrusted
    ? [untrusted.message, `  ${untrusted.hint}`]
    : [`Imported ${imported.name}@${imported.version}.`, ...describeVariants(imported), ...imported.warnings.map((w) => `Warning: ${w.message}`)];
  output.result({ ...imported }, lines, untrusted);
}

export function notTrusted({ name, version, state, stateReason }: Imported): ErrorBody | undefined {
  if (state === 'sound') return undefined;
  return {
    code: 'bundle.not-usable',
    message: `${name}@${version} was taken in and is ${state}: ${stateReason ?? 'no reason given'}`,
    hint: 'It can be looked at and removed, but not used. If you trust its signer, say so: edgewright trust add FILE, then edgewright bundle verify it.',
    owner: 'trust',
  };
}
