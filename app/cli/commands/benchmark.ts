/** `benchmark`: how fast a model is on this computer, and why. */
import type { Command } from 'commander';
import { type BenchmarkReport, EdgewrightError, formatBytes, formatMs, type NodeCosts, type ProviderComparison, significant } from '#contract';
import { action, type Context } from '../command.ts';
import { percent, table } from '../output.ts';
import { withProgress } from '../progress.ts';
import { describeProviders } from '../providers.ts';
import { refOrPath } from '../ref-or-path.ts';

interface Flags {
  threads: string;
  batch: string;
  rounds: string;
  runs: string;
  ep?: string;
  p99?: string;
  tune?: boolean;
  compareProviders?: boolean;
  profile?: boolean;
}

/** Operators and nodes of a profile that are printed. */
const PRINTED_OPERATORS = 12;
const PRINTED_NODES = 10;

export function addBenchmark(program: Command): void {
  program
    .command('benchmark')
    .argument('<ref>', 'name@version[#variant], a digest, or an .onnx file')
    .option('--threads <n,…>', 'threads of the runner; 0 = all usable cores; several are measured side by side', '1')
    .option('--batch <n,…>', 'samples per run; several are measured side by side', '1')
    .option('--rounds <n>', 'rounds', '5')
    .option('--runs <n>', 'runs in each round', '100')
    .option('--ep <name>', 'execution provider to ask for')
    .option('--p99 <ms>', 'look for the largest batch whose 99th percentile stays below')
    .option('--tune', 'look for the threads and the graph optimization that are fastest here')
    .option('--compare-providers', 'measure every execution provider that works here, and recommend one')
    .option('--profile', 'say where the time goes, by operator and node')
    .description('Latency, throughput, load time, memory and CPU use of a model on this computer')
    .action(
      action(async (context: Context, ref: string, flags: Flags) => {
        const { client, output, signal } = context;
        const request = {
          ref: refOrPath(ref),
          threads: numbers('--threads', flags.threads),
          batches: numbers('--batch', flags.batch),
          rounds: Number(flags.rounds),
          runsPerRound: Number(flags.runs),
          tune: flags.tune ?? false,
          compareProviders: flags.compareProviders ?? false,
          profile: flags.profile ?? false,
          ...(flags.ep !== undefined && { ep: flags.ep }),
          ...(flags.p99 !== undefined && { p99Ms: Number(flags.p99) }),
        };
        const report = await withProgress(context, (jobId) => client.inference.benchmark({ ...request, jobId }, { signal }));
        output.result({ ...report }, describe(report));
      }),
    );
}

function numbers(option: string, text: string): number[] {
  const values = text.split(',').map((part) => part.trim());
  if (values.every((part) => /^\d{1,5}$/.test(part))) return [...new Set(values.map(Number))];
  throw new EdgewrightError({ code: 'usage', message: `${option} takes whole numbers.`, expected: '1 or 1,2,4', found: text.slice(0, 100), owner: 'usage' });
}

function describe(report: BenchmarkReport): string[] {
  const { settings } = report;
  const lines = table(
    ['threads', 'batch', 'p50', '± 95 %', 'p90', 'p95', 'p99', 'runs/s', 'first run', 'cold load', 'warm load', 'CPU cores', 'peak memory'],
    settings.map((one) => [
      one.threads === 0 ? 'all' : String(one.threads),
      String(one.batch),
      formatMs(one.latencyMs.p50),
      one.p50Interval ? formatMs((one.p50Interval.high - one.p50Interval.low) / 2) : '–',
      formatMs(one.latencyMs.p90),
      formatMs(one.latencyMs.p95),
      formatMs(one.latencyMs.p99),
      significant(one.throughputPerSecond),
      one.firstMs === undefined ? '–' : formatMs(one.firstMs),
      formatMs(one.loadMs.cold),
      formatMs(one.loadMs.warm),
      one.cpuCores === undefined ? '–' : one.cpuCores.toFixed(1),
      formatBytes(one.peakMemoryBytes),
    ]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
  const worst = settings.reduce((a, b) => (b.noise > a.noise ? b : a));
  const outliers = settings.reduce((sum, one) => sum + (one.outliers?.count ?? 0), 0);
  lines.push(
    `${report.latencyMs.samples} runs${settings.length > 1 ? ' each, side by side' : ''}; rounds differ by up to ${percent(worst.noise)}; ${outliers} outliers. ${describeProviders(report.providers)}`,
  );
  if (report.noisy) lines.push('The machine was busy: do not compare these figures with others. Close other programs and measure again.');
  if (report.tuned) lines.push('', ...describeTuned(report.tuned));
  if (report.largestBatch) lines.push('', ...describeLargest(report.largestBatch));
  if (report.providerComparison) lines.push('', ...describeComparison(report.providerComparison));
  if (report.profile) lines.push('', ...describeProfile(report.profile));
  return lines;
}

function describeTuned(tuned: NonNullable<BenchmarkReport['tuned']>): string[] {
  return [
    `Fastest here: ${tuned.threads} ${tuned.threads === 1 ? 'thread' : 'threads'}, graph optimization "${tuned.optimization}". ${tuned.reason}`,
    ...table(
      ['threads', 'optimization', 'p50', 'CPU cores'],
      tuned.tried.map((row) => [String(row.threads), row.optimization, formatMs(row.p50), row.cpuCores.toFixed(1)]),
      [0, 2, 3],
    ),
  ];
}

function describeLargest({ batch, p99Ms, tried, stoppedBy }: NonNullable<BenchmarkReport['largestBatch']>): string[] {
  const best = tried.find((row) => row.batch === batch);
  const head = best
    ? `Largest batch with a p99 of at most ${formatMs(p99Ms)}: ${batch} (p99 ${formatMs(best.p99)}, ${significant(best.throughputPerSecond)} samples/s).`
    : `Not even one sample stays below ${formatMs(p99Ms)}.`;
  return [
    stoppedBy === undefined ? head : `${head} Stopped there: ${stoppedBy}`,
    ...table(
      ['batch', 'p50', 'p99', 'samples/s', 'runs'],
      tried.map((row) => [String(row.batch), formatMs(row.p50), formatMs(row.p99), significant(row.throughputPerSecond), String(row.runs)]),
      [0, 1, 2, 3, 4],
    ),
  ];
}

function describeComparison({ reason, measured, failed }: ProviderComparison): string[] {
  return [
    `Recommended: ${reason}`,
    ...table(
      ['provider', 'p50', 'nodes on it', 'first that fell back'],
      measured.map((row) => [
        row.provider,
        formatMs(row.p50),
        `${row.onIt} of ${row.nodes}`,
        row.fellBack[0] ? `${row.fellBack[0].node} (${row.fellBack[0].reason})` : '–',
      ]),
      [1, 2],
    ),
    ...failed.map((one) => `${one.provider} could not run it: ${one.reason}`),
  ];
}

function describeProfile(profile: NodeCosts): string[] {
  const { operators, nodes } = profile;
  const advice = operators.filter((row) => row.advice !== undefined).map((row) => `${row.op}: ${row.advice ?? ''}`);
  return [
    `Where the time goes (middle half of ${profile.runs} runs; the nodes take ${formatMs(profile.nodesMs)} of ${formatMs(profile.runMs)}):`,
    ...table(
      ['operator', 'provider', 'nodes', 'time', 'share'],
      operators.slice(0, PRINTED_OPERATORS).map((row) => [row.op, row.provider, String(row.nodes), formatMs(row.ms), percent(row.share)]),
      [2, 3, 4],
    ),
    '',
    ...table(
      ['node', 'operator', 'provider', 'time', 'share'],
      nodes.slice(0, PRINTED_NODES).map((row) => [row.name, row.op, row.provider, formatMs(row.ms), percent(row.share)]),
      [3, 4],
    ),
    ...(advice.length > 0 ? ['', ...advice] : []),
  ];
}
