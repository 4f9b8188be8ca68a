/**
 * Quantizing in a process of its own: it decodes the model and computes for minutes, and neither may cost an engine its memory or its
 * time for others. What is stopped leaves nothing behind.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgewrightError } from '#contract';
import { type AnswerHeader, ChildCalls, type EndWords, ensureDir, fsyncDir, spawnNode, TEMP_PREFIX } from '#core/platform';
import type { QuantizeRequest, QuantizeResult } from '#core/quantize';
import { RUNNER_MEMORY_BYTES } from '#core/runtime';
import { CHILD_START_MS, MAKE_TIMEOUT_MS, MEMORY_LOOK_MS } from './limits.ts';

/** As `quantizeModel` takes it, but for a calibration set, which must lie in a file. */
export type ApartRequest = Omit<QuantizeRequest, 'calibration'> & { calibration?: string };
export type ApartResult = QuantizeResult & { peakMemoryBytes: number };

/** What it says before the answer. */
export interface ApartWord {
  step: string;
  fraction?: number;
}

/**
 * `quantizeModel`, whose output appears whole or not at all.
 * @throws what `quantizeModel` throws; quantize.time, quantize.memory, quantize.ended (machine); cancelled
 */
export async function quantizeApart(
  request: ApartRequest,
  options: { signal?: AbortSignal | undefined; onProgress?: ((word: ApartWord) => void) | undefined } = {},
): Promise<ApartResult> {
  const output = resolve(request.outputPath);
  await ensureDir(dirname(output), 0o755);
  const temp = await mkdtemp(join(tmpdir(), 'edgewright-quantize-'));
  // In the folder of the output, so that a rename puts it in place.
  const part = join(dirname(output), `${TEMP_PREFIX}quantize-${randomBytes(6).toString('hex')}`);
  const child = spawnNode(entry(), [String(process.pid)], { env: { TMPDIR: temp, TEMP: temp, TMP: temp } });
  const calls = new ChildCalls(child, WORDS, { memory: { bytes: RUNNER_MEMORY_BYTES, pollMs: MEMORY_LOOK_MS } });
  try {
    await calls.ready({ what: 'start', timeoutMs: CHILD_START_MS, signal: options.signal });
    const { header, body } = await calls.ask({ kind: 'quantize', ask: { ...request, modelPath: resolve(request.modelPath), outputPath: part } }, [], {
      what: 'quantize a model',
      timeoutMs: MAKE_TIMEOUT_MS,
      signal: options.signal,
      onWord: (word) => options.onProgress?.(word as ApartWord),
    });
    const { failed } = header as AnswerHeader;
    if (failed) throw new EdgewrightError(failed);
    await rename(part, output);
    await fsyncDir(dirname(output));
    return { ...(JSON.parse(body.toString('utf8')) as ApartResult), output: request.outputPath };
  } finally {
    await calls.close();
    await rm(temp, { recursive: true, force: true });
    // Its own, and what it was writing it from when it was stopped.
    const left = await readdir(dirname(output)).catch((): string[] => []);
    for (const name of left) if (name.includes(basename(part))) await rm(join(dirname(output), name), { force: true });
  }
}

/** Beside this file, in the sources as in the built program. */
function entry(): string {
  return fileURLToPath(new URL(`./quantize-main${extname(import.meta.url)}`, import.meta.url));
}

const machine = (code: string, message: string, hint: string, found?: string) =>
  new EdgewrightError({ code, message, hint, ...(found !== undefined && { found }), owner: 'machine' });

const WORDS: EndWords = {
  timedOut: (_what, ms) => machine('quantize.time', `Quantizing took longer than ${Math.round(ms / 60_000)} minutes.`, 'Use a smaller calibration set.'),
  cancelled: (signal) =>
    signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
      ? machine('quantize.time', 'Quantizing took longer than it may.', 'Use a smaller calibration set.')
      : new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' }),
  tooLarge: () =>
    machine('quantize.memory', `Quantizing takes more than ${RUNNER_MEMORY_BYTES} bytes of memory.`, 'Quantize it on a computer with more memory.'),
  ended: (_what, { code, signal }, stderr) =>
    machine(
      /out of memory|bad_alloc/i.test(stderr) ? 'quantize.memory' : 'quantize.ended',
      'The process that quantizes ended before it was done.',
      'Another program stopped it, or the system ran out of memory. Run it again.',
      `${signal ? `signal ${signal}` : `exit code ${code ?? 'unknown'}`} ${stderr.slice(-300)}`.trim(),
    ),
  closed: () => machine('quantize.ended', 'The process that quantizes has been closed.', 'Run it again.'),
  stopped: (why) => why,
};
