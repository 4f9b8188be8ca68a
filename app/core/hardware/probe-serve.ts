/** The side of a probe that runs in the child: each probe's name before it starts, its answer after it, one JSON line each on fd 4. */
import { createWriteStream } from 'node:fs';
import { loadNative } from '#native';
import type { Machine } from './machine.ts';
import { type RecordedParts, recordingMachine } from './recorder.ts';

/** The argument that asks for a recording of every question and answer; the other arguments are names of probes. */
export const RECORD = '--record';

type Answer = { name: string; ok: true; ms: number; value: unknown } | { name: string; ok: false; ms: number; error: string };
/** A line from the child. */
export type ProbeLine = { start: string } | (Answer & { recorded?: RecordedParts });

/** Runs the probes that the arguments name, one after another, so that it is plain which one a crash or a hang belongs to. */
export async function serveProbes(table: Record<string, (machine: Machine) => Promise<unknown>>, machine: Machine): Promise<void> {
  loadNative()?.dieWithParent();
  const out = createWriteStream('', { fd: 4 });
  const say = (line: ProbeLine) => new Promise<void>((resolve) => out.write(`${JSON.stringify(line)}\n`, () => resolve()));
  const names = process.argv.slice(2);
  for (const name of names) {
    const probe = table[name];
    if (probe === undefined) continue;
    await say({ start: name });
    const recording = names.includes(RECORD) ? recordingMachine(machine) : undefined;
    const answer = await runProbe(name, () => probe(recording?.machine ?? machine));
    await say({ ...answer, ...(recording && { recorded: recording.parts }) });
  }
  // Drivers' libraries may have started threads that keep a process alive, or end it badly.
  out.end(() => process.exit(0));
}

export async function runProbe(name: string, probe: () => Promise<unknown>): Promise<Answer> {
  const began = performance.now();
  try {
    const value = await probe();
    return { name, ok: true, ms: performance.now() - began, value };
  } catch (error) {
    return { name, ok: false, ms: performance.now() - began, error: error instanceof Error ? error.message : String(error) };
  }
}
