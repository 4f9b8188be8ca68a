/** Asks a child process to run the tiny model on one provider, within a time limit. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { abortError, spawnNode } from '#core/platform';
import { MAX_REASON_CHARS, PROOF_LIMIT_MS } from './limits.ts';
import { endedHow, withLoaderReason } from './words.ts';

export type Proof = { ok: true; nodes: Record<string, number>; latencyMs: number } | { ok: false; reason: string };

const ENTRY = fileURLToPath(new URL('./prove-main.ts', import.meta.url));

/** @param provider ONNX Runtime's short name. Never rejects but for AbortError: a crash or a hang is an answer too. */
export async function proveProvider(provider: string, options: { signal?: AbortSignal | undefined; limitMs?: number; entry?: string } = {}): Promise<Proof> {
  if (options.signal?.aborted) throw abortError();
  // Telemetry is decided when the library loads, so it must be in the child's environment from the start.
  const env = { ORT_DISABLE_TELEMETRY: '1', ...(process.env.EDGEWRIGHT_ROOT && { EDGEWRIGHT_ROOT: process.env.EDGEWRIGHT_ROOT }) };
  const child = spawnNode(options.entry ?? ENTRY, [provider], { env });
  const limitMs = options.limitMs ?? PROOF_LIMIT_MS;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.process.kill('SIGKILL');
  }, limitMs);
  const onAbort = () => child.process.kill('SIGKILL');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  let answer: Proof | undefined;
  const read = (async () => {
    for await (const line of createInterface({ input: child.process.stdio[4] as Readable })) answer ??= JSON.parse(line) as Proof;
  })().catch(() => {});
  const end = await child.ended;
  await read;
  clearTimeout(timer);
  options.signal?.removeEventListener('abort', onAbort);
  if (options.signal?.aborted) throw abortError();
  if (answer !== undefined) return answer.ok ? answer : { ok: false, reason: tidy(answer.reason, child.stderr()) };
  if (timedOut) return { ok: false, reason: `It did not finish within ${limitMs / 1000} s.` };
  const said = child.stderr().trim().split('\n').pop();
  return { ok: false, reason: `The process that tried it ended with ${endedHow(end)}${said ? `: ${said.slice(0, MAX_REASON_CHARS)}` : ''}.` };
}

/** ONNX Runtime's message without where in its own sources it was raised. */
function tidy(message: string, stderr: string): string {
  return withLoaderReason(message, stderr)
    .replace(/^.*\bwas false\.\s*/s, '')
    .replace(/\[ONNXRuntimeError\] : \d+ : \w+ : /, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_REASON_CHARS);
}
