/** The side of a probe that runs in the child: each probe's name before it starts, its answer after it, one JSON line each on fd 4. */
import { createWriteStream } from 'node:fs';
import { loadNative } from '#native';
import type { Machine } from './machine.ts';

/** A line from the child. */
export type ProbeLine = { start: string } | { name: string; ok: true; ms: number; value: unknown } | { name: string; ok: false; ms: number; error: string };

/** Runs the probes that the arguments name, one after another, so that it is plain which one a crash or a hang belongs to. */
export async function serveProbes(table: Record<string, (machine: Machine) => Promise<unknown>>, machine: Machine): Promise<void> {
  loadNative()?.dieWithParent();
  const out = createWriteStream('', { fd: 4 });
  const say = (line: ProbeLine) => new Promise<void>((resolve) => out.write(`${JSON.stringify(line)}\n`, () => resolve()));
  for (const name of process.argv.slice(2)) {
    const probe = table[name];
    if (probe === undefined) continue;
    await say({ start: name });
    await say(await runProbe(name, () => probe(machine)));
  }
  out.end();
}

export async function runProbe(name: string, probe: () => Promise<unknown>): Promise<Exclude<ProbeLine, { start: string }>> {
  const began = performance.now();
  try {
    const value = await probe();
    return { name, ok: true, ms: performance.now() - began, value };
  } catch (error) {
    return { name, ok: false, ms: performance.now() - began, error: error instanceof Error ? error.message : String(error) };
  }
}
