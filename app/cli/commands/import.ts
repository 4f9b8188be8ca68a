import type { Command } from 'commander';
import { EdgewrightError, NameSchema, VersionSchema } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import { followJob } from '../progress.ts';
import { describeVariants } from './bundle.ts';

interface ImportOptions {
  as?: string;
  trustSource?: boolean;
  output?: string;
}

export function addImport(program: Command): void {
  program
    .command('import')
    .argument('<path>', 'an .onnx file, or a model of PyTorch, Keras, TensorFlow, TFLite, scikit-learn, LightGBM or XGBoost')
    .option('--as <name@version>', 'what to call the bundle; else the file’s name and 1.0.0')
    .option('--trust-source', 'let a framework’s file run its code, in a sandbox, while it is converted')
    .option('--output <dir>', 'write the converted model and its edgewright.yaml there instead of storing a bundle')
    .description('Take a bare model in as a bundle; a framework’s own file is converted first')
    .action(
      action(async ({ client, output }: Context, path: string, options: ImportOptions) => {
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
      }),
    );
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
