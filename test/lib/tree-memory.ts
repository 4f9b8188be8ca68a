/** The memory that a process takes together with all it started, looked at while it runs. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** How often it is looked at, in ms. */
const LOOK_MS = 25;

export interface MemoryWatch {
  /** Most bytes that the whole tree had at one time. */
  stop(): number;
}

/**
 * What counts as a process's memory. `resident`: every page it has, so what two of the tree share counts twice.
 * `proportional`: of a page that several processes of this computer share, each its part.
 */
const MEASURES = {
  resident: { file: 'status', line: /^VmRSS:\s+(\d+) kB/m },
  proportional: { file: 'smaps_rollup', line: /^Pss:\s+(\d+) kB/m },
} as const;

export function watchTree(pid: number, measure: keyof typeof MEASURES = 'resident'): MemoryWatch {
  let peak = 0;
  const { file, line } = MEASURES[measure];
  const bytesOf = (one: number) => Number(line.exec(read(`/proc/${one}/${file}`))?.[1] ?? 0) * 1024;
  const timer = setInterval(() => {
    peak = Math.max(
      peak,
      treeOf(pid).reduce((sum, one) => sum + bytesOf(one), 0),
    );
  }, LOOK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

/** A process and all it started, directly or not. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : '';
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const belongs = (pid: number): boolean => pid === root || (parents.has(pid) && belongs(parents.get(pid) ?? 0));
  return [...parents.keys()].filter(belongs);
}

/** Empty when the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
