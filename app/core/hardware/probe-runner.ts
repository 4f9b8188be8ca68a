/**
 * Runs probes in a child process. A probe that hangs or crashes costs its own answer and a new child for the rest, never the
 * answers of the others.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { abortError, spawnNode } from '#core/platform';
import { MAX_ANSWER_BYTES, MAX_REASON_CHARS, PROBE_LIMIT_MS, PROBE_START_LIMIT_MS } from './limits.ts';
import type { Machine } from './machine.ts';
import { type ProbeLine, runProbe } from './probe-serve.ts';
import { endedHow } from './words.ts';
import { type FoundFacts, PROBE_NAMES, PROBES } from './probes/table.ts';

export interface ProbeOutcome {
  name: string;
  ok: boolean;
  ms: number;
  error?: string;
}

export interface Probed {
  facts: FoundFacts;
  probes: ProbeOutcome[];
}

export interface ProbeOptions {
  signal?: AbortSignal | undefined;
  /** Longest one probe may take, in ms. */
  limitMs?: number | undefined;
  /** Another entry that serves the probes (`serveProbes`); tests bring broken ones. */
  entry?: string | undefined;
}

const ENTRY = fileURLToPath(new URL('./probe-main.ts', import.meta.url));

export async function probeLive(options: ProbeOptions = {}): Promise<Probed> {
  const probed: Probed = { facts: {}, probes: [] };
  let left: string[] = [...PROBE_NAMES];
  while (left.length > 0) {
    const done = await oneChild(left, probed, options);
    // Each round ends at least one probe: even a child that never starts costs the first.
    left = left.filter((name) => !done.has(name));
  }
  return probed;
}

/** Runs `names` in one child until all are done or one ends it; returns those that are settled. */
async function oneChild(names: readonly string[], into: Probed, options: ProbeOptions): Promise<Set<string>> {
  if (options.signal?.aborted) throw abortError();
  const child = spawnNode(options.entry ?? ENTRY, names, process.env.EDGEWRIGHT_ROOT ? { env: { EDGEWRIGHT_ROOT: process.env.EDGEWRIGHT_ROOT } } : {});
  const settled = new Set<string>();
  let current: string | undefined;
  let began = performance.now();
  let reason: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const stop = (why: string) => {
    reason ??= why;
    child.process.kill('SIGKILL');
  };
  const wait = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => stop(`no answer within ${ms} ms`), ms);
  };
  const settle = (outcome: ProbeOutcome) => {
    settled.add(outcome.name);
    into.probes.push(outcome);
    current = undefined;
  };
  const onAbort = () => stop('cancelled');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  wait(PROBE_START_LIMIT_MS);
  let bytes = 0;
  const lines = createInterface({ input: child.process.stdio[4] as Readable });
  const read = (async () => {
    for await (const text of lines) {
      bytes += text.length;
      if (bytes > MAX_ANSWER_BYTES) return stop('its answer is too long');
      const line = JSON.parse(text) as ProbeLine;
      wait(options.limitMs ?? PROBE_LIMIT_MS);
      if ('start' in line) {
        current = line.start;
        began = performance.now();
      } else if (line.ok) {
        // The child is our own program: its values have the types of the table.
        Object.assign(into.facts, { [line.name]: line.value });
        settle({ name: line.name, ok: true, ms: line.ms });
      } else {
        settle({ name: line.name, ok: false, ms: line.ms, error: line.error });
      }
    }
  })().catch((error: Error) => stop(`its answer cannot be read: ${error.message}`));
  const end = await child.ended;
  await read;
  clearTimeout(timer);
  options.signal?.removeEventListener('abort', onAbort);
  if (options.signal?.aborted) throw abortError();
  if (settled.size < names.length) {
    const name = current ?? names.find((n) => !settled.has(n)) ?? '';
    const how = reason ?? `its process ended with ${endedHow(end)}`;
    const said = child.stderr().trim();
    settle({ name, ok: false, ms: performance.now() - began, error: said ? `${how}; it said: ${said.slice(-MAX_REASON_CHARS)}` : how });
  }
  return settled;
}

/** The same for a recorded machine: in this process, for there is nothing that could hang. */
export async function probeRecorded(machine: Machine): Promise<Probed> {
  const probed: Probed = { facts: {}, probes: [] };
  for (const name of PROBE_NAMES) {
    const line = await runProbe(name, () => PROBES[name](machine));
    if (line.ok) Object.assign(probed.facts, { [name]: line.value });
    probed.probes.push(line.ok ? { name, ok: true, ms: line.ms } : { name, ok: false, ms: line.ms, error: line.error });
  }
  return probed;
}
