import { type Command, InvalidArgumentError } from 'commander';
import { type CheckRequest, type CheckResult, formatBytes, formatMs } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context } from '../command.ts';
import { table } from '../output.ts';

interface CheckOptions {
  run: boolean;
  timeout?: number;
  memory?: number;
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .argument('<model>', 'an .onnx file')
    .option('--no-run', 'judge the file alone: neither load nor run it')
    .option('--timeout <seconds>', 'for loading and running it, together', positive)
    .option('--memory <MB>', 'memory that the process may take which loads and runs it', positive)
    .description('Whether a model is sound: exit 0, or 2 with the reason')
    .action(
      action(async ({ client, output, signal }: Context, model: string, options: CheckOptions) => {
        const request: CheckRequest = {
          path: userPath(model),
          run: options.run,
          ...(options.timeout !== undefined && { timeoutMs: Math.round(options.timeout * 1000) }),
          ...(options.memory !== undefined && { memoryBytes: Math.round(options.memory * 1e6) }),
        };
        const { ok: _ok, ...checked } = await client.models.check(request, { signal });
        output.result(checked, describeCheck(checked));
      }),
    );
}

function describeCheck({ warnings, stages, limits }: Omit<CheckResult, 'ok'>): string[] {
  return [
    warnings.length === 0 ? 'Sound.' : `Nothing found that makes it unsound, but ${warnings.length === 1 ? 'one thing' : `${warnings.length} things`} to know:`,
    ...warnings.flatMap(({ message, hint }) => [`  ${message}`, ...(hint === undefined ? [] : [`    ${hint}`])]),
    ...table(
      ['Stage', 'Outcome', 'Time', ''],
      stages.map(({ name, outcome, ms, detail }) => [name, outcome, outcome === 'skipped' ? '' : formatMs(ms), detail ?? '']),
      [2],
    ),
    ...(limits ? [`Held to ${formatBytes(limits.memoryBytes)} and ${formatMs(limits.timeoutMs)}: ${limits.enforcement}; ${limits.isolation}.`] : []),
  ];
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
