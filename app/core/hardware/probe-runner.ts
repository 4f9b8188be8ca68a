/**
 * Runs probes in a child process. A probe that hangs or crashes costs its own answer and a new child for the rest, never the
 * answers of the others.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { abortError, spawnNode } from '#core/platform';
import { DRIVER_PROBE_LIMIT_MS, MAX_ANSWER_BYTES, MAX_REASON_CHARS, PROBE_LIMIT_MS, PROBE_START_LIMIT_MS } from './limits.ts';
import { ENV_ASKED, type Machine } from './machine.ts';
import { type ProbeLine, RECORD, runProbe } from './probe-serve.ts';
import { endedHow } from './words.ts';
import { DRIVER_PROBES, type FoundFacts, PROBE_NAMES, PROBES } from './probes/table.ts';
import { mergeParts, noParts, type RecordedParts } from './recorder.ts';

export interface ProbeOutcome {
  name: string;
  ok: boolean;
  ms: number;
  error?: string;
}

export interface Probed {
  facts: FoundFacts;
  /** In the table's order, whichever answered first. */
  probes: ProbeOutcome[];
  /** What was asked and answered, where a recording was wanted. */
  recorded?: RecordedParts;
}

export interface ProbeOptions {
  /** Also write down every question and answer. */
  record?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Longest one probe may take, in ms. */
  limitMs?: number | undefined;
  /** Another entry that serves the probes (`serveProbes`); tests bring broken ones. */
  entry?: string | undefined;
}

const ENTRY = fileURLToPath(new URL('./probe-main.ts', import.meta.url));

/** Two processes side by side: probes that read files, and those that load drivers' libraries. */
export async function probeLive(options: ProbeOptions = {}): Promise<Probed> {
  const probed: Probed = { facts: {}, probes: [], ...(options.record && { recorded: noParts() }) };
  const drivers = PROBE_NAMES.filter((name) => DRIVER_PROBES.has(name));
  const files = PROBE_NAMES.filter((name) => !DRIVER_PROBES.has(name));
  await Promise.all([series(files, probed, options, PROBE_LIMIT_MS), series(drivers, probed, options, DRIVER_PROBE_LIMIT_MS)]);
  const order = (outcome: ProbeOutcome) => (PROBE_NAMES as string[]).indexOf(outcome.name);
  probed.probes.sort((a, b) => order(a) - order(b));
  return probed;
}

/** A probe that ends its process costs that process: the rest gets another. */
async function series(names: readonly string[], into: Probed, options: ProbeOptions, limitMs: number): Promise<void> {
  let left = [...names];
  while (left.length > 0) {
    const done = await oneChild(left, into, options, options.limitMs ?? limitMs);
    // Each round ends at least one probe: even a child that never starts costs the first.
    left = left.filter((name) => !done.has(name));
  }
}

/** Runs `names` in one child until all are done or one ends it; returns those that are settled. */
async function oneChild(names: readonly string[], into: Probed, options: ProbeOptions, limitMs: number): Promise<Set<string>> {
  if (options.signal?.aborted) throw abortError();
  const child = spawnNode(options.entry ?? ENTRY, options.record ? [RECORD, ...names] : names, { env: environment() });
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
      wait(limitMs);
      if ('start' in line) {
        current = line.start;
        began = performance.now();
        continue;
      }
      if (line.recorded && into.recorded) mergeParts(into.recorded, line.recorded);
      if (line.ok) {
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

/** The variables the probes look at, LD_LIBRARY_PATH aside: that one every child of ours gets, with our folders in it. */
function environment(): Record<string, string> {
  const names = [...ENV_ASKED.filter((name) => name !== 'LD_LIBRARY_PATH'), 'EDGEWRIGHT_ROOT'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
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
