/** `import`, which is `bundle import` too: whatever a person has becomes a bundle. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EdgewrightError, NameSchema, VersionSchema } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import { followJob } from '../progress.ts';
import { buildBundle, describeVariants } from './bundle.ts';
import { importArchive } from './bundle-files.ts';

interface ImportOptions {
  as?: string;
  trustSource?: boolean;
  output?: string;
  ref?: string;
}

export function addImport(parent: Command): void {
  parent
    .command('import')
    .argument('<path>', 'an exported bundle, an .onnx file, or a model of PyTorch, Keras, TensorFlow, TFLite, scikit-learn, LightGBM or XGBoost')
    .option('--as <name@version>', 'what to call the bundle of a bare model; else the file’s name and 1.0.0')
    .option('--ref <ref>', 'which bundle of a file that holds several: name@version, reference name or digest')
    .option('--trust-source', 'let a framework’s file run its code, in a sandbox, while it is converted')
    .option('--output <dir>', 'write the converted model and its edgewright.yaml there instead of storing a bundle')
    .description('Take in a finished bundle from a file, or a model as it came; a framework’s own file is converted first')
    .action(
      action(async (context: Context, path: string, options: ImportOptions) => {
        switch (await formOf(userPath(path))) {
          case 'archive':
            return importArchive(context, path, options);
          case 'source':
            return buildBundle(context, path);
          case 'model':
            return importModel(context, path, options);
        }
      }),
    );
}

/** Where the magic of a tar header stands. */
const USTAR_AT = 257;

/** A finished bundle (tar, gzip, or a folder with an OCI image layout), a folder to build, or a model. */
async function formOf(path: string): Promise<'archive' | 'source' | 'model'> {
  // Loaded here and not above: every command loads this file, and few need what a bundle is made of.
  const { SOURCE_FILE } = await import('#core/bundles');
  const info = await stat(path).catch(() => undefined);
  const has = async (name: string) => (await stat(join(path, name)).catch(() => undefined))?.isFile() === true;
  if (info?.isDirectory()) {
    if (await has('oci-layout')) return 'archive';
    return (await has(SOURCE_FILE)) ? 'source' : 'model';
  }
  if (!info?.isFile()) return 'model';
  const handle = await open(path, 'r');
  try {
    const head = Buffer.alloc(USTAR_AT + 5);
    await handle.read(head, 0, head.length, 0);
    const gzip = head[0] === 0x1f && head[1] === 0x8b;
    return gzip || head.toString('latin1', USTAR_AT) === 'ustar' ? 'archive' : 'model';
  } finally {
    await handle.close();
  }
}

async function importModel({ client, output }: Context, path: string, options: ImportOptions): Promise<void> {
  const started = await client.bundles.import({
    path: userPath(path),
    trustSource: options.trustSource ?? false,
    ...(options.as !== undefined && parseAs(options.as)),
    ...(options.output !== undefined && { output: userPath(options.output) }),
  });
  const job = await followJob(client, started.jobId, { quiet: output.json });
  const warnings = job.warnings ?? [];
  const said = warnings.map((warning) => `Warning: ${warning.message}`);
  if (options.output !== undefined) {
    output.result({ output: userPath(options.output), converted: started.converts, warnings }, [
      `Converted to ${options.output}. Build it: edgewright bundle build ${options.output}`,
      ...said,
    ]);
    return;
  }
  const bundle = await client.bundles.show({ ref: started.ref });
  output.result({ ...bundle, converted: started.converts, warnings }, [`Imported ${started.ref}.`, ...describeVariants(bundle), ...said]);
}

function parseAs(text: string): { name: string; version?: string } {
  const [name, version, more] = text.split('@');
  const fits = more === undefined && NameSchema.safeParse(name).success && (version === undefined || VersionSchema.safeParse(version).success);
  if (!fits || name === undefined) {
    throw new EdgewrightError({
      code: 'usage.bundle-name',
      message: '--as cannot be read.',
      expected: 'name@version, such as pump-anomaly@1.0.0',
      found: text.slice(0, 100),
      owner: 'usage',
    });
  }
  return { name, ...(version !== undefined && { version }) };
}
