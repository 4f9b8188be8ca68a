/** One comparison: two ways to do the same work, measured in turns. */
export interface Contest {
  name: string;
  rivalName: string;
  unit: string;
  /** Why it can't be run here, or undefined. */
  missing: () => Promise<string | undefined>;
  /** Each returns its own figure, smaller = better. */
  ours: () => Promise<number>;
  rival: () => Promise<number>;
  /** Makes what both need and runs each once, so that caches are warm for either. */
  prepare?: () => Promise<void>;
  close?: () => Promise<void>;
  /** What else was measured, as lines. */
  notes?: () => string[];
}

export async function runContest(contest: Contest, rounds: number): Promise<{ ours: number; rival: number; ratio: number }> {
  const ours: number[] = [];
  const rival: number[] = [];
  try {
    await contest.prepare?.();
    for (let i = 0; i < rounds; i++) {
      // Who goes first changes, so that a warm cache favours nobody.
      if (i % 2 === 0) ours.push(await contest.ours());
      rival.push(await contest.rival());
      if (i % 2 === 1) ours.push(await contest.ours());
    }
  } finally {
    await contest.close?.();
  }
  return { ours: median(ours), rival: median(rival), ratio: median(ours) / median(rival) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
