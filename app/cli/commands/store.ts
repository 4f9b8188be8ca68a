/** `store`: the care of what is stored. */
import type { Command } from 'commander';
import { EdgewrightError, type ErrorBody, formatBytes, type StoreVerification } from '#contract';
import { action, type Context, setExitCode } from '../command.ts';
import { shortDigest, table } from '../output.ts';
import { withProgress } from '../progress.ts';

export function addStore(program: Command): void {
  const store = program.command('store').description('Verify, sweep and rebuild what is stored');

  store
    .command('verify')
    .description('Read every blob again; what is damaged is named with all that it affects, which can then not be used')
    .action(
      action(async (context: Context) => {
        const { client, output, signal } = context;
        const result = await withProgress(context, (jobId) => client.store.verify({ jobId }, { signal }));
        const failure = damaged(result);
        if (failure) setExitCode(5);
        const lines = failure
          ? [failure.message, ...problems(result), `  ${failure.hint}`]
          : [`${result.blobs} blobs read, ${formatBytes(result.bytes)}: nothing is wrong.`];
        const extra = result.extra.reduce((sum, one) => sum + one.bytes, 0);
        if (result.extra.length > 0)
          lines.push(`${result.extra.length} blobs (${formatBytes(extra)}) are needed by nothing: edgewright store gc removes them.`);
        output.result({ ...result }, lines, failure);
      }),
    );

  store
    .command('gc')
    .option('--dry-run', 'only say what would be removed')
    .option('--keep-parts <hours>', 'keep parts of blobs, of transfers that were cut off, for this long', '168')
    .description('Remove what no bundle, device, deployment or repository needs')
    .action(
      action(async (context: Context, options: { dryRun?: boolean; keepParts: string }) => {
        const { client, output, signal } = context;
        const request = { dryRun: options.dryRun ?? false, keepPartsHours: hours(options.keepParts) };
        const freed = await withProgress(context, (jobId) => client.store.gc({ ...request, jobId }, { signal }));
        const what = `${freed.blobs} blobs (${formatBytes(freed.blobBytes)}) that nothing needs, and ${formatBytes(freed.partialBytes)} of unfinished transfers`;
        output.result({ ...freed }, [freed.dryRun ? `Would remove ${what}.` : `Removed ${what}.`]);
      }),
    );

  store
    .command('rebuild')
    .description('Make the catalogue again from the blobs, and index.json where it is lost or damaged')
    .action(
      action(async (context: Context) => {
        const { client, output, signal } = context;
        const rebuilt = await withProgress(context, (jobId) => client.store.rebuild({ jobId }, { signal }));
        output.result({ ...rebuilt }, [`Made the catalogue${rebuilt.listRestored ? ' and index.json' : ''} again: ${rebuilt.bundles} bundles.`]);
      }),
    );
}

function damaged({ bad }: StoreVerification): ErrorBody | undefined {
  if (bad.length === 0) return undefined;
  return {
    code: 'store.damaged',
    message: `${bad.length} of the files in the store ${bad.length === 1 ? 'is' : 'are'} not what was stored.`,
    hint: 'What they affect cannot be used. Build, import or pull it again: that makes it whole.',
    owner: 'trust',
  };
}

function problems({ bad }: StoreVerification): string[] {
  return table(
    ['Blob', 'Problem', 'Affects'],
    bad.map(({ digest, problem, affects }) => [
      digest.startsWith('sha256:') ? shortDigest(digest) : digest.slice(0, 60),
      problem,
      affects.join(', ') || 'nothing',
    ]),
  );
}

function hours(text: string): number {
  const value = Number(text);
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && value <= 8760) return value;
  throw new EdgewrightError({
    code: 'usage.hours',
    message: '--keep-parts cannot be read.',
    expected: 'hours, 0 to 8760',
    found: text.slice(0, 40),
    owner: 'usage',
  });
}
