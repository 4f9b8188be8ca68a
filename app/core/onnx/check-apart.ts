/** The check of a model's file in a process of its own, held to little memory and time. */
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { EdgewrightError, type ErrorBody } from '#contract';
import { type NodeChild, residentMemory, spawnNode } from '#core/platform';
import type { StructureCheck } from './check.ts';
import { refuse } from './errors.ts';
import { APART_BYTES_PER_MS, APART_HEAP_MIB, APART_MEMORY_BYTES, APART_POLL_MS, APART_TIMEOUT_MS } from './limits.ts';

/** What the process gets on its command line, as one JSON argument. */
export interface ApartArguments {
  path: string;
  memoryBytes: number;
  parent: number;
}

/** What it says, one JSON document a line: the size first, once that is known. */
export type ApartWord = { storedBytes: number } | { done: StructureCheck } | { failed: ErrorBody };

/**
 * `checkStructure`, whose process may take APART_MEMORY_BYTES, APART_TIMEOUT_MS and the time that reading the weights takes.
 * @throws what `checkStructure` throws; model.too-complex (input) when it took more; cancelled
 */
export async function checkStructureApart(path: string, options: { signal?: AbortSignal | undefined } = {}): Promise<StructureCheck> {
  const { signal } = options;
  if (signal?.aborted) throw cancelled();
  const args: ApartArguments = { path, memoryBytes: APART_MEMORY_BYTES, parent: process.pid };
  const child = spawnNode(entry(), [JSON.stringify(args)], { nodeArgs: [`--max-old-space-size=${APART_HEAP_MIB}`] });
  const stop = Promise.withResolvers<never>();
  const end = (error: EdgewrightError) => {
    child.process.kill('SIGKILL');
    stop.reject(error);
  };
  const onAbort = () => end(cancelled());
  signal?.addEventListener('abort', onAbort, { once: true });
  let timer = setTimeout(() => end(tooLong()), APART_TIMEOUT_MS);
  const watch = setInterval(() => {
    const memory = residentMemory(child.process.pid ?? -1);
    if (memory && memory.now > APART_MEMORY_BYTES) end(tooLarge());
  }, APART_POLL_MS);
  const onWord = (word: ApartWord) => {
    if (!('storedBytes' in word)) return;
    clearTimeout(timer);
    timer = setTimeout(() => end(tooLong()), APART_TIMEOUT_MS + word.storedBytes / APART_BYTES_PER_MS);
  };
  try {
    return await Promise.race([lastWord(child, onWord), stop.promise]);
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal?.removeEventListener('abort', onAbort);
    child.process.kill('SIGKILL');
    await child.ended;
  }
}

/** Beside this file, in the sources as in the built program. */
function entry(): string {
  return fileURLToPath(new URL(`./check-main${extname(import.meta.url)}`, import.meta.url));
}

async function lastWord(child: NodeChild, onWord: (word: ApartWord) => void): Promise<StructureCheck> {
  for await (const line of createInterface({ input: child.process.stdio[4] as Readable })) {
    const word = JSON.parse(line) as ApartWord;
    if ('done' in word) return word.done;
    if ('failed' in word) throw new EdgewrightError(word.failed);
    onWord(word);
  }
  const { code, signal } = await child.ended;
  if (/out of memory|bad_alloc|allocation failed/i.test(child.stderr())) throw tooLarge();
  throw new EdgewrightError({
    code: 'machine.check-ended',
    message: 'The process that checks the model ended before it was done.',
    found: `${signal ? `signal ${signal}` : `exit code ${code ?? 'unknown'}`} ${child.stderr().slice(-300)}`.trim(),
    hint: 'Another program stopped it, or the system ran out of memory. Run it again.',
    owner: 'machine',
  });
}

function tooLong() {
  return refuse('model.too-complex', 'Looking through the model takes longer than for any real one.', {
    expected: `at most ${APART_TIMEOUT_MS / 1000} s and the time to read its weights`,
  });
}

function tooLarge() {
  return refuse('model.too-complex', 'Looking through the model takes more memory than for any real one.', { expected: `at most ${APART_MEMORY_BYTES} bytes` });
}

function cancelled(): EdgewrightError {
  return new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' });
}
