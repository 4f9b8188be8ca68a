/** Where the time of a run goes: by node and by operator, heaviest first, and what could be done about it. */
import type { NodeCosts as Report } from '#contract';
import type { Tensor } from '#core/datasets';
import { providerShortName } from '#core/hardware';
import { MAX_LISTED_NODES, MAX_PROFILED_RUNS, MIN_PROFILED_RUNS, PROFILED_EXECUTIONS } from '../limits.ts';
import type { CallOptions, Runner } from '../runner.ts';
import type { Profile } from '../wire.ts';

export type NodeCosts = Report;

/** Share of a run from which on an operator is worth a word. */
const WORTH_A_WORD = 0.1;

/**
 * Profiles the model that a runner holds. How many runs depends on how many nodes it has: the profile's size is bounded.
 * On providers other than the CPU a node's time is that of handing it over, so only their share of the CPU's is real.
 */
export async function nodeCosts(runner: Runner, feeds: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<NodeCosts> {
  const once = await runner.profile(feeds, 1, options);
  const executions = once.nodes.reduce((sum, node) => sum + node.calls, 0);
  const runs = Math.max(MIN_PROFILED_RUNS, Math.min(MAX_PROFILED_RUNS, Math.floor(PROFILED_EXECUTIONS / Math.max(1, executions))));
  return summarize(await runner.profile(feeds, runs + 1, options));
}

/** @throws nothing; a profile without nodes gives empty tables */
export function summarize(profile: Profile): NodeCosts {
  const total = profile.nodes.reduce((sum, node) => sum + node.ms, 0);
  const share = (ms: number) => (total > 0 ? ms / total : 0);
  const operators = new Map<string, { op: string; provider: string; nodes: number; ms: number }>();
  for (const { op, provider, ms } of profile.nodes) {
    const key = `${op} ${provider}`;
    const row = operators.get(key) ?? { op, provider: providerShortName(provider), nodes: 0, ms: 0 };
    row.nodes += 1;
    row.ms += ms;
    operators.set(key, row);
  }
  const heaviest = <T extends { ms: number }>(rows: T[]) => rows.sort((a, b) => b.ms - a.ms);
  return {
    runs: profile.runs,
    runMs: profile.runMs,
    nodesMs: total,
    nodeCount: profile.nodes.length,
    operators: heaviest([...operators.values()]).map((row) => {
      const advice = share(row.ms) >= WORTH_A_WORD ? adviceFor(row.op) : undefined;
      return { ...row, share: share(row.ms), ...(advice !== undefined && { advice }) };
    }),
    nodes: heaviest(
      profile.nodes.map(({ name, op, provider, ms, calls }) => ({ name, op, provider: providerShortName(provider), ms, calls, share: share(ms) })),
    ).slice(0, MAX_LISTED_NODES),
  };
}

/** What a large share of one operator means. Names are those of ONNX and of ONNX Runtime's own, as its profile has them. */
const ADVICE: readonly [RegExp, string][] = [
  [
    /^(QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear)$/,
    'Conversions between int8 and float that were not fused away: quantize more of the operators between them, or fewer.',
  ],
  [
    /^(QLinear|ConvInteger|MatMulInteger|DynamicQuantizeMatMul|MatMulNBits)/,
    'Integer arithmetic. Whether it is faster than fp32 depends on the CPU: a trial compares the two.',
  ],
  [
    /^(Conv|FusedConv|ConvTranspose|NhwcFusedConv|MatMul|Gemm|FusedGemm|FusedMatMul|Einsum|Attention|MultiHeadAttention|GroupQueryAttention)$/,
    'Arithmetic: quantize it, give it more threads, or use another execution provider.',
  ],
  [
    /^(ReorderInput|ReorderOutput|Transpose|Reshape|Concat|Split|Slice|Pad|Gather|Expand|Tile|Squeeze|Unsqueeze|Flatten)$/,
    'Moves data and computes nothing: look at what is on either side of it, often a change of layout that the exporter put there.',
  ],
  [/^Cast$/, 'Changes types only: often the seam of a half-precision or a badly exported part.'],
  [/^Memcpy/, 'Copies between the CPU and the accelerator: nodes beside it fell back to the CPU.'],
  [/^(LSTM|GRU|RNN|DynamicQuantizeLSTM)$/, 'Runs step after step, so threads help little: quantize it dynamically, or shorten the sequence.'],
  [/^(Loop|Scan|If)$/, 'Its time holds that of the nodes inside it, which are listed as well.'],
  [/^TreeEnsemble/, 'Walks trees: larger batches use the threads, a single sample does not.'],
  [/^(Resize|Upsample|GridSample|RoiAlign|NonMaxSuppression|TopK)$/, 'Not arithmetic that quantizing helps: a smaller input does.'],
];

function adviceFor(op: string): string | undefined {
  return ADVICE.find(([pattern]) => pattern.test(op))?.[1];
}
