/** Which execution provider runs a model best here: every one that works is measured, side by side, and only measurement recommends. */
import { asEdgewrightError, type ProviderComparison as Report } from '#contract';
import { surelyFaster } from './figures.ts';
import { type BenchmarkOptions, benchmarkModels, type BenchmarkTarget } from './measure.ts';

export type ProviderComparison = Report;

/**
 * @param providers short names to try beside the CPU, each with what it is called
 * @returns those that could not run the model with their reason; they hide nothing of the others
 */
export async function compareProviders(
  target: BenchmarkTarget,
  providers: readonly { name: string; title: string }[],
  options: BenchmarkOptions = {},
): Promise<ProviderComparison> {
  const failed: ProviderComparison['failed'] = [];
  const working: { name: string; title: string; target: BenchmarkTarget }[] = [];
  for (const provider of [{ name: 'cpu', title: 'CPU' }, ...providers.filter((one) => one.name !== 'cpu')]) {
    const own = { ...target, label: provider.name, load: { ...target.load, providers: [...new Set([provider.name, 'cpu'])] } };
    options.onProgress?.({ step: `trying ${provider.name}` });
    try {
      await benchmarkModels([own], { ...options, onProgress: undefined, rounds: 1, runsPerRound: 1, warmup: 0 });
      working.push({ ...provider, target: own });
    } catch (error) {
      const { owner, message, found } = asEdgewrightError(error);
      if (options.signal?.aborted || owner === 'cancelled' || provider.name === 'cpu') throw error;
      failed.push({ provider: provider.name, reason: found === undefined ? message : `${message} ${found}` });
    }
  }
  const results = await benchmarkModels(
    working.map((one) => one.target),
    options,
  );
  const measured = results.map(({ benchmark, providers: use }, at) => {
    const nodes = Object.values(use.actual).reduce((sum, count) => sum + count, 0);
    const name = working[at]?.name ?? '';
    return {
      provider: name,
      title: working[at]?.title ?? '',
      p50: benchmark.latencyMs.p50,
      ...(benchmark.p50Interval && { p50Interval: benchmark.p50Interval }),
      nodes,
      onIt: use.actual[name] ?? 0,
      fellBack: use.fallbacks.slice(0, MAX_TOLD).map(({ node, op, reason }) => ({ node, op, reason })),
    };
  });
  // One that ran no node at all is the CPU under another name.
  const used = measured.filter((row) => row.provider === 'cpu' || row.onIt > 0);
  for (const row of measured)
    if (!used.includes(row)) failed.push({ provider: row.provider, reason: `No node ran on it: ${row.fellBack[0]?.reason ?? 'nobody knows why'}.` });
  return { ...recommend(used), measured: used, failed };
}

/** Nodes that fell back that are told of each provider. */
const MAX_TOLD = 20;

type Measured = ProviderComparison['measured'][number];

/** The fastest, if it is faster than the CPU beyond the noise. @param measured the CPU first */
export function recommend(measured: readonly Measured[]): Pick<ProviderComparison, 'provider' | 'reason'> {
  const [cpu, ...others] = measured;
  if (!cpu) return { provider: 'cpu', reason: 'Nothing was measured.' };
  const best = others.reduce((a, b) => (b.p50 < a.p50 ? b : a), cpu);
  if (best === cpu || !surelyFaster(best, cpu)) {
    const reason = others.length === 0 ? 'CPU: no other execution provider works here.' : 'CPU: nothing else that works here is faster beyond the noise.';
    return { provider: 'cpu', reason };
  }
  const fell = best.nodes - best.onIt;
  const nodes = fell === 0 ? `all ${best.nodes} nodes` : `${best.onIt} of ${best.nodes} nodes, ${fell} ${fell === 1 ? 'falls' : 'fall'} back`;
  return { provider: best.provider, reason: `${best.title} for ${nodes}; measured ${(cpu.p50 / best.p50).toFixed(1)}× faster than the CPU provider.` };
}
