/** Reading the profile that ONNX Runtime writes: one event a node and execution, then one for the run they belong to. */
import type { Profile, ProfiledNode } from './wire.ts';

export interface ProfileEvent {
  cat?: string;
  name?: string;
  /** Microseconds. */
  dur?: number;
  args?: { op_name?: string; provider?: string; node_index?: string };
}

const KERNEL = '_kernel_time';

/**
 * Every node once, with its time in a run: the mean of the middle half of the runs, so that one in which something else had the
 * processor does not make a node heavy, and times of a few of the profile's microseconds still differ. The first run of a session also rearranges memory, so it is left out where there is another. A node
 * that holds a graph (Loop, If, Scan) has the time of what runs inside, which is listed as well.
 */
export function profileOf(events: readonly ProfileEvent[]): Profile {
  const nodes = new Map<string, { node: Pick<ProfiledNode, 'name' | 'op' | 'provider'>; msByRun: Map<number, number>; calls: number }>();
  const runs = events.filter(isRun).length;
  const first = runs < 2 ? 0 : 1;
  const runMs: number[] = [];
  let run = 0;
  for (const event of events) {
    const { cat, name = '', dur = 0, args } = event;
    if (isRun(event)) {
      if (run >= first) runMs.push(dur / 1000);
      run += 1;
    }
    if (cat !== 'Node' || !args?.provider || !name.endsWith(KERNEL)) continue;
    const short = name.slice(0, -KERNEL.length);
    const key = `${args.node_index ?? ''} ${short}`;
    const seen = nodes.get(key) ?? { node: { name: short, op: args.op_name ?? '', provider: args.provider }, msByRun: new Map<number, number>(), calls: 0 };
    if (run >= first) {
      seen.msByRun.set(run, (seen.msByRun.get(run) ?? 0) + dur / 1000);
      seen.calls += 1;
    }
    nodes.set(key, seen);
  }
  const counted = Math.max(1, runs - first);
  // What a run did not reach (a branch not taken) cost it nothing.
  const inEachRun = (ms: Map<number, number>) => Array.from({ length: counted }, (_, at) => ms.get(at + first) ?? 0);
  return {
    nodes: [...nodes.values()].map(({ node, msByRun, calls }) => ({ ...node, ms: midmean(inEachRun(msByRun)), calls: calls / counted })),
    runMs: midmean(runMs),
    runs: counted,
  };
}

function isRun({ cat, name }: ProfileEvent): boolean {
  return cat === 'Session' && name === 'model_run';
}

/** The mean without the lowest and the highest quarter; 0 of nothing. */
function midmean(values: readonly number[]): number {
  const cut = Math.floor((values.length + 1) / 4);
  const kept = values.toSorted((a, b) => a - b).slice(cut, values.length - cut);
  return kept.length === 0 ? 0 : kept.reduce((a, b) => a + b, 0) / kept.length;
}
