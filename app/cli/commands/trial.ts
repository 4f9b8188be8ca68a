import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type ErrorBody, exitCodeOf, type Trial, formatBytes, formatMs, significant } from '#contract';
import { userPath } from '#core/platform';
import { action, type Context, setExitCode } from '../command.ts';
import { table } from '../output.ts';
import { followJob } from '../progress.ts';

/** No variant kept its golden rule and met every gate. */
function noVariant(reason: string): ErrorBody {
  return { code: 'gate.no-variant', message: reason, owner: 'gate' };
}

export function addTrial(program: Command): void {
  program
    .command('trial')
    .argument('[ref]', 'name@version')
    .option('--variants <names>', 'comma-separated', 'fp32,int8-dynamic,int8-static')
    .option('--gate <expression>', 'a condition every variant must meet; may be given several times', (value: string, all: string[]) => [...all, value], [])
    .option('--threads <n>', 'threads of each runner; 0 = all usable cores', '1')
    .option('--rounds <n>', 'interleaved rounds of the benchmark', '5')
    .option('--runs <n>', 'runs of each variant in a round', '200')
    .option('--budget <minutes>', 'stop after this many minutes', '30')
    .option('--list', 'the trials there are')
    .option('--show <id>', 'an earlier trial')
    .option('--samples <file>', 'write every measured latency there as JSON')
    .description('Make quantized variants, check, score and benchmark them, and judge them by gates')
    .action(
      action(
        async (
          { client, output }: Context,
          ref: string | undefined,
          options: {
            variants: string;
            gate: string[];
            threads: string;
            rounds: string;
            runs: string;
            budget: string;
            list?: boolean;
            show?: string;
            samples?: string;
          },
        ) => {
          if (options.list === true || (ref === undefined && options.show === undefined)) {
            const trials = await client.trials.list();
            const rows = trials.map((t) => [t.id, t.ref, t.state, new Date(t.startedAt).toISOString(), t.verdict?.chosen ?? '']);
            return output.result(
              { trials },
              rows.length === 0 ? ['No trials yet. Start one: edgewright trial NAME@VERSION'] : table(['Id', 'Bundle', 'State', 'Started', 'Chosen'], rows),
            );
          }
          if (options.show !== undefined) return await report(await client.trials.show({ id: options.show }));
          const settings = await client.system.settings();
          const { jobId, trialId } = await client.trials.start({
            ref: ref ?? '',
            variants: options.variants
              .split(',')
              .map((v) => v.trim())
              .filter(Boolean),
            gates: options.gate.length > 0 ? options.gate : settings.defaultGates,
            threads: Number(options.threads),
            rounds: Number(options.rounds),
            runsPerRound: Number(options.runs),
            budgetMinutes: Number(options.budget),
          });
          await followJob(client, jobId, { quiet: output.json });
          await report(await client.trials.show({ id: trialId }));

          async function report(trial: Trial): Promise<void> {
            if (options.samples !== undefined) await writeFile(userPath(options.samples), JSON.stringify(await client.trials.samples({ id: trial.id })));
            const none = trial.verdict && trial.verdict.chosen === undefined ? noVariant(trial.verdict.reason) : undefined;
            if (none) setExitCode(exitCodeOf(none.owner));
            output.result({ ...trial }, describeTrial(trial), none);
          }
        },
      ),
    );
}

export function describeTrial(trial: Trial): string[] {
  const rows = trial.variants.map((v) => {
    const b = v.machines[0]?.benchmark;
    return [
      v.name,
      v.metric ? `${significant(v.metric.value)} [${significant(v.metric.low)}, ${significant(v.metric.high)}]` : '–',
      v.golden ? (v.golden.pass ? 'kept' : 'broken') : '–',
      b ? formatMs(b.latencyMs.p50) : '–',
      b ? formatMs(b.latencyMs.p95) : '–',
      b ? formatMs(b.latencyMs.p99) : '–',
      b ? significant(b.throughputPerSecond) : '–',
      b ? formatMs(b.loadMs.cold) : '–',
      b ? formatBytes(b.peakMemoryBytes) : '–',
      v.bytes === undefined ? '–' : formatBytes(v.bytes),
      v.error
        ? v.error.message
        : v.gates.every((g) => g.pass)
          ? v.pareto
            ? 'on the front'
            : v.dominatedBy
              ? `dominated by ${v.dominatedBy}`
              : v.stage
          : `failed ${v.gates
              .filter((g) => !g.pass)
              .map((g) => `"${g.gate}" (${g.value})`)
              .join(', ')}`,
    ];
  });
  const metric = trial.variants.find((v) => v.metric)?.metric?.name ?? 'metric';
  return [
    ...table(['Variant', `${metric} [95 %]`, 'Golden', 'p50', 'p95', 'p99', 'runs/s', 'Load', 'Memory', 'Size', 'Standing'], rows, [1, 3, 4, 5, 6, 7, 8, 9]),
    '',
    trial.verdict?.reason ?? `The trial is ${trial.state}.`,
  ];
}
