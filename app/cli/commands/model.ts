import { type Command, Option } from 'commander';
import { formatBytes, formatMs, significant } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import { percent, table } from '../output.ts';
import { describeProviders } from '../providers.ts';
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

  program
    .command('benchmark')
    .argument('<ref>', 'name@version[#variant], a digest, or an .onnx file')
    .option('--threads <n>', 'threads of the runner; 0 = all usable cores', '1')
    .option('--batch <n>', 'samples per run', '1')
    .option('--rounds <n>', 'rounds', '5')
    .option('--runs <n>', 'runs in each round', '100')
    .option('--ep <name>', 'execution provider to ask for')
    .description('Latency, throughput, load time and memory of a model on this computer')
    .action(
      action(
        async ({ client, output, signal }: Context, ref: string, options: { threads: string; batch: string; rounds: string; runs: string; ep?: string }) => {
          const b = await client.inference.benchmark(
            {
              ref: refOrPath(ref),
              threads: Number(options.threads),
              batch: Number(options.batch),
              rounds: Number(options.rounds),
              runsPerRound: Number(options.runs),
              ...(options.ep !== undefined && { ep: options.ep }),
            },
            { signal },
          );
          output.result({ ...b }, [
            ...table(
              ['p50', 'p90', 'p95', 'p99', 'mean', 'runs/s', 'cold load', 'peak memory'],
              [
                [
                  formatMs(b.latencyMs.p50),
                  formatMs(b.latencyMs.p90),
                  formatMs(b.latencyMs.p95),
                  formatMs(b.latencyMs.p99),
                  formatMs(b.latencyMs.mean),
                  significant(b.throughputPerSecond),
                  formatMs(b.loadMs.cold),
                  formatBytes(b.peakMemoryBytes),
                ],
              ],
              [0, 1, 2, 3, 4, 5, 6, 7],
            ),
            `${b.latencyMs.samples} runs, batch ${b.batch}, ${b.threads} thread(s); rounds differ by ${percent(b.noise)}. ${describeProviders(b.providers)}`,
          ]);
        },
      ),
    );
}
