import type { Command } from 'commander';
import { type BundleSummary, formatBytes, MAX_BUNDLE_PAGE } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import type { Client } from '../connect.ts';
import { shortDigest, table } from '../output.ts';
import { addBundleSigning, describeBoms, describeSignatures } from './bundle-signing.ts';

export async function buildBundle({ client, output, signal }: Context, dir: string): Promise<void> {
  const built = await client.bundles.build({ dir: userPath(dir) }, { signal });
  output.result({ ...built }, [
    `Built ${built.name}@${built.version} (${shortDigest(built.digest)}).`,
    ...describeVariants(built),
    ...built.warnings.map((w) => `Warning: ${w.message}`),
  ]);
}

/** @returns the command `bundle`, to which others add theirs */
export function addBundle(program: Command): Command {
  const bundle = program.command('bundle').description('Build, list, show, verify and remove bundles');

  bundle
    .command('build')
    .argument('<dir>', 'folder with edgewright.yaml')
    .description('Check a folder, run its golden set, and store it as a signed bundle')
    .action(action(buildBundle));

  bundle
    .command('list')
    .option('--search <text>', 'only those with every word of it in their name, description, variants or framework')
    .description('The bundles of this workspace')
    .action(
      action(async ({ client, output }: Context, { search }: { search?: string }) => {
        const bundles = await bundlesFound(client, search ?? '');
        const rows = bundles.map((b) => [
          `${b.name}@${b.version}`,
          b.variants.map((v) => v.name).join(', '),
          formatBytes(b.variants[0]?.bytes ?? 0),
          b.signed ? 'signed' : 'unsigned',
          b.state,
          shortDigest(b.digest),
          b.stateReason ?? '',
        ]);
        output.result(
          { bundles },
          rows.length === 0
            ? [search === undefined ? 'No bundles yet. Build one: edgewright bundle build DIR' : 'No bundle has all of these words.']
            : table(['Bundle', 'Variants', 'Size', 'Signature', 'State', 'Digest', 'Why'], rows, [2]),
        );
      }),
    );

  bundle
    .command('show')
    .argument('<ref>', 'name@version or a digest')
    .description('All that is known of one bundle')
    .action(
      action(async ({ client, output }: Context, ref: string) => {
        const b = await client.bundles.show({ ref });
        output.result({ ...b }, [
          `${b.name}@${b.version}  ${b.digest}`,
          ...(b.description === undefined ? [] : [b.description]),
          ...(b.stateReason === undefined ? [] : [`${b.state}: ${b.stateReason}`]),
          `${b.state}, ${b.signed ? 'signed' : 'unsigned'}; ${b.nodes} nodes, ${b.parameters.toLocaleString('en')} parameters, opset ${Object.entries(b.opsets)
            .map(([d, v]) => `${d} ${v}`)
            .join(', ')}`,
          ...b.inputs.map((t) => `input   ${t.name}: ${t.type}[${t.dims.join(', ')}]`),
          ...b.outputs.map((t) => `output  ${t.name}: ${t.type}[${t.dims.join(', ')}]`),
          '',
          ...describeVariants(b),
          ...describeSignatures(b.signatures),
          ...describeBoms(b),
          '',
          ...table(
            ['File', 'Role', 'Size', 'Digest'],
            b.files.map((f) => [f.path, f.role, formatBytes(f.bytes), shortDigest(f.digest)]),
            [2],
          ),
        ]);
      }),
    );

  addBundleSigning(bundle);

  bundle
    .command('remove')
    .argument('<ref>', 'name@version')
    .description('Remove a bundle and the blobs nobody else needs')
    .action(
      action(async ({ client, output }: Context, ref: string) => {
        const removed = await client.bundles.remove({ ref });
        output.result(removed, [`Removed ${removed.ref}; ${formatBytes(removed.freedBytes)} freed.`]);
      }),
    );

  return bundle;
}

/** All that a search finds, page by page. */
async function bundlesFound(client: Client, text: string): Promise<BundleSummary[]> {
  const found: BundleSummary[] = [];
  for (;;) {
    const { bundles, total } = await client.bundles.search({ text, limit: MAX_BUNDLE_PAGE, offset: found.length });
    found.push(...bundles);
    if (bundles.length === 0 || found.length >= total) return found;
  }
}

export function describeVariants(bundle: BundleSummary): string[] {
  return table(
    ['Variant', 'Precision', 'Size', 'Signature', 'Digest'],
    bundle.variants.map((v) => [v.name, v.precision, formatBytes(v.bytes), v.signed ? 'signed' : 'unsigned', shortDigest(v.digest)]),
    [2],
  );
}
