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
 * Every node once, with its time in a run. The first run of a session also rearranges memory, so it is left out where there is
 * another. A node that holds a graph (Loop, If, Scan) has the time of what runs inside, which is listed as well.
 */
export function profileOf(events: readonly ProfileEvent[]): Profile {
  const nodes = new Map<string, ProfiledNode & { total: number; count: number }>();
  const runs = events.filter((event) => event.cat === 'Session' && event.name === 'model_run').length;
  const counted = Math.max(1, runs - 1);
  let run = 0;
  let runMs = 0;
  for (const { cat, name = '', dur = 0, args } of events) {
    const counts = runs < 2 || run > 0;
    if (cat === 'Session' && name === 'model_run') {
      if (counts) runMs += dur / 1000;
      run += 1;
    }
    if (cat !== 'Node' || !args?.provider || !name.endsWith(KERNEL)) continue;
    const short = name.slice(0, -KERNEL.length);
    const key = `${args.node_index ?? ''} ${short}`;
    const node = nodes.get(key) ?? { name: short, op: args.op_name ?? '', provider: args.provider, ms: 0, calls: 0, total: 0, count: 0 };
    if (counts) {
      node.total += dur / 1000;
      node.count += 1;
    }
    nodes.set(key, node);
  }
  return {
    nodes: [...nodes.values()].map(({ total, count, ...node }) => ({ ...node, ms: total / counted, calls: count / counted })),
    runMs: runMs / counted,
    runs: counted,
  };
}
