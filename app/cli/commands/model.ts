import { type Command, Option } from 'commander';
import { formatBytes, significant } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import { refOrPath } from '../ref-or-path.ts';
import { addCheck } from './check.ts';
import { addInspect } from './inspect.ts';
import { addRun } from './run.ts';

interface QuantizeOptions {
  variant: 'int8-dynamic' | 'int8-static';
  output: string;
  calibration?: string;
  calibrator: 'minmax';
  activations: 'int8' | 'uint8';
  weights: 'int8' | 'uint8';
  perChannel?: boolean;
  reduceRange?: boolean;
  symmetric?: boolean;
  prepare: boolean;
}

export function addModel(program: Command): void {
  addInspect(program);
  addCheck(program);

  addRun(program);

  program
    .command('quantize')
    .argument('<ref>', 'name@version[#variant], a digest, or an .onnx file')
    .addOption(new Option('--variant <name>', 'what to make').choices(['int8-dynamic', 'int8-static']).makeOptionMandatory())
    .requiredOption('--output <file>', 'where to write it')
    .option('--calibration <file>', 'an .npz with in_<input>; a bundle brings its own')
    .addOption(new Option('--calibrator <name>', 'how ranges are found').choices(['minmax']).default('minmax'))
    .addOption(new Option('--activations <type>', 'of a static variant').choices(['int8', 'uint8']).default('int8'))
    .addOption(new Option('--weights <type>', 'element type of the weights').choices(['int8', 'uint8']).default('int8'))
    .option('--per-channel', 'one scale a channel of the weights')
    .option('--reduce-range', 'weights of 7 bits, for CPUs whose int8 sums saturate')
    .option('--symmetric', 'activations with their zero in the middle')
    .option('--no-prepare', 'leave out folding and fusing beforehand')
    .description('Write one quantized file, to the rules of ONNX Runtime 1.30, without Python')
    .action(
      action(async ({ client, output, signal }: Context, ref: string, options: QuantizeOptions) => {
        const { calibration, output: file, ...rest } = options;
        const made = await client.models.quantize(
          {
            ...rest,
            ref: refOrPath(ref),
            output: userPath(file),
            ...(calibration !== undefined && { calibration: userPath(calibration) }),
          },
          { signal },
        );
        output.result({ ...made }, [
          `${made.variant}: ${formatBytes(made.bytes)} in ${significant(made.seconds)} s, ${file}`,
          ...made.warnings.map((w) => `Warning: ${w.message}`),
        ]);
      }),
    );
}
