/** Detection as a whole: on this machine, on a recorded one, kept in memory and, where the caller wants it, in a file. */
import { type HardwareReport, HardwareReportSchema } from '#contract';
import { libraryPath, readFileIfThere, writeFileAtomic } from '#core/platform';
import { homedir, hostname } from 'node:os';
import { z } from 'zod';
import { userName } from './node-owner.ts';
import { bootMark, liveMachine } from './live-machine.ts';
import { REPORT_KEPT_MS } from './limits.ts';
import { probeLive, probeRecorded } from './probe-runner.ts';
import { type Proof, proveProvider } from './prove.ts';
import { noParts, recordedHead, withoutPerson } from './recorder.ts';
import { parseRecording, type Recording } from './recording.ts';
import { replayMachine } from './replay.ts';
import { buildReport } from './report.ts';

export interface DetectOptions {
  /** Run every probe and proof again instead of giving the last report. */
  fresh?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Run the tiny model on what seems to work. Default true; without it nothing gets beyond `runtime ok`. */
  verify?: boolean | undefined;
  /** The last report is also kept in this file, and taken from it within a day and the same start of the machine. */
  cacheFile?: string | undefined;
  /** Detect on a recorded machine instead of this one; nothing is run, proofs are the recorded ones. */
  recording?: unknown;
  /** Another way to prove a provider (tests). */
  proveProvider?: ((provider: string) => Promise<Proof | undefined>) | undefined;
  /** Another entry that serves the probes, and another time limit for each (tests bring broken ones). */
  probeEntry?: string | undefined;
  probeLimitMs?: number | undefined;
}

let last: HardwareReport | undefined;
let running: Promise<HardwareReport> | undefined;

/**
 * What this machine can run and, where it can't, why. Probes and proofs run in child processes with time limits; one that
 * fails is listed in `probes` and hides nothing else.
 * @throws AbortError when cancelled; EdgewrightError `hardware.recording-wrong` (owner input)
 */
export async function detectHardware(options: DetectOptions = {}): Promise<HardwareReport> {
  if (options.recording !== undefined) return detectRecorded(parseRecording(options.recording), options);
  const whole = options.verify !== false && options.proveProvider === undefined && options.probeEntry === undefined;
  if (!whole) return detectLive(options);
  if (!options.fresh) {
    last ??= await readCache(options.cacheFile);
    if (last !== undefined) return last;
    // Two who ask at once share one detection, unless one of them can cancel it.
    if (running !== undefined && options.signal === undefined) return running;
  }
  const detection = detectLive(options);
  if (options.signal === undefined) running = detection;
  try {
    last = await detection;
    await writeCache(options.cacheFile, last);
    return last;
  } finally {
    if (running === detection) running = undefined;
  }
}

async function detectLive(options: DetectOptions): Promise<HardwareReport> {
  const { signal } = options;
  const began = performance.now();
  // The CPU's proof needs no probe's answer: both at once halve the wait.
  const prove = options.verify === false ? async () => undefined : (options.proveProvider ?? ((provider: string) => proveProvider(provider, { signal })));
  const cpuProof = prove('cpu');
  const probing = probeLive({ signal, limitMs: options.probeLimitMs, entry: options.probeEntry }).then((found) => ({ found, ms: performance.now() - began }));
  const [known, probed] = await Promise.all([liveMachine.facts(), probing, cpuProof]);
  const report = await buildReport(probed.found, known, (provider) => (provider === 'cpu' ? cpuProof : prove(provider)));
  return { ...report, took: { probesMs: probed.ms, proofsMs: performance.now() - began - probed.ms } };
}

async function detectRecorded(recording: Recording, options: DetectOptions): Promise<HardwareReport> {
  const machine = replayMachine(recording);
  const prove = options.proveProvider ?? (async (provider: string) => recording.proofs[provider]);
  return buildReport(await probeRecorded(machine), await machine.facts(), prove);
}

/**
 * Writes down everything detection asks of this machine, with the answers and proofs, so that it can be detected elsewhere.
 * The questions are put where detection puts them, in processes that can be killed. Whose machine it is is taken out.
 */
export async function recordMachine(options: { signal?: AbortSignal | undefined; note?: string } = {}): Promise<Recording> {
  const { signal } = options;
  const known = await liveMachine.facts();
  const probed = await probeLive({ signal, record: true });
  const proofs: Recording['proofs'] = {};
  const report = await buildReport(probed, known, async (provider) => {
    const proof = await proveProvider(provider, { signal });
    proofs[provider] = proof;
    return proof;
  });
  const note = options.note ?? `${report.summary} (${new Date(report.detectedAt).toISOString()})`;
  const whole = { ...recordedHead(known), note, ...(probed.recorded ?? noParts()), proofs };
  // Read back through the same door as anybody's: what is written is one that will be taken.
  return parseRecording(withoutPerson(whole, { home: homedir(), user: userName(), host: hostname() }));
}

/** Counts changes of what detection finds and says: a report of an older program is not given again. */
const DETECTION = '3';

const CacheSchema = z.object({ key: z.string(), report: HardwareReportSchema });

/** A report holds for one version of everything it speaks of, and one start of the machine. */
async function cacheKey(): Promise<string> {
  const facts = await liveMachine.facts();
  const parts = [
    DETECTION,
    await bootMark(),
    facts.hostname,
    facts.release,
    facts.node,
    facts.onnxruntime,
    facts.ortDir,
    (await liveMachine.list(facts.ortDir)).join(','),
    libraryPath() ?? '',
    process.env.CUDA_VISIBLE_DEVICES ?? '',
  ];
  return parts.join('|');
}

async function readCache(file: string | undefined): Promise<HardwareReport | undefined> {
  if (file === undefined) return undefined;
  try {
    const parsed = CacheSchema.safeParse(JSON.parse((await readFileIfThere(file))?.toString('utf8') ?? 'null'));
    if (!parsed.success || parsed.data.key !== (await cacheKey())) return undefined;
    const age = Date.now() - parsed.data.report.detectedAt;
    return age >= 0 && age < REPORT_KEPT_MS ? parsed.data.report : undefined;
  } catch {
    // A broken cache costs a detection, nothing more.
    return undefined;
  }
}

async function writeCache(file: string | undefined, report: HardwareReport): Promise<void> {
  if (file === undefined) return;
  // A read-only or full disk must not take the answer away.
  await writeFileAtomic(file, JSON.stringify({ key: await cacheKey(), report })).catch(() => {});
}
