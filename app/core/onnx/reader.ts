/**
 * Models read in a process of its own, held to little memory and time. Nothing else of the program decodes a model that nobody
 * vouches for: what a file does to whoever reads it, it does there.
 */
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgewrightError, type ErrorBody } from '#contract';
import { type AnswerHeader, ChildCalls, spawnNode } from '#core/platform';
import { loadNative } from '#native';
import type { StructureCheck } from './check.ts';
import { READER_BUSY_FACTOR, READER_BYTES_PER_MS, READER_HEAP_MIB, READER_MEMORY_BYTES, READER_POLL_MS, READER_START_MS, READER_TIMEOUT_MS } from './limits.ts';
import { READER_ANSWERS, READER_WORDS, STOPPED, TOO_COMPLEX } from './reader-errors.ts';
import type { QuestionKind, ReaderArguments, ReaderQuestions, ReaderWord } from './reader-questions.ts';

/**
 * Answers questions about models, one after another. The process starts with the first question, keeps the model of the last view, and
 * is made anew where a model, or a cancel, ended it. Close it.
 */
export class ModelReader {
  #calls: ChildCalls | undefined;
  #answered = 0;

  /**
   * @param options.signal ends the process while this question is being answered
   * @throws model.* and usage.* for what is wrong with the file; model.too-complex (input) beyond READER_MEMORY_BYTES, READER_TIMEOUT_MS
   * and the time that reading its bytes takes (more by READER_BUSY_FACTOR on a busy machine), or READER_ANSWER_BYTES; machine.check-ended; cancelled
   */
  async ask<K extends QuestionKind>(
    kind: K,
    question: ReaderQuestions[K]['ask'],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<ReaderQuestions[K]['answer']> {
    const fresh = this.#answered === 0 || !this.#calls?.alive;
    try {
      return await this.#ask(kind, question, options.signal);
    } catch (error) {
      if (!(error instanceof EdgewrightError)) throw error;
      // Ended over another question; or what the questions before left behind in it may have been to blame.
      if (error.code !== STOPPED && (fresh || error.code !== TOO_COMPLEX || this.#calls?.alive)) throw error;
      return this.#ask(kind, question, options.signal);
    }
  }

  async close(): Promise<void> {
    await this.#calls?.close();
  }

  /** Ends the process, without waiting until it is gone. */
  kill(): void {
    this.#calls?.kill();
  }

  async #ask<K extends QuestionKind>(kind: K, question: ReaderQuestions[K]['ask'], signal: AbortSignal | undefined): Promise<ReaderQuestions[K]['answer']> {
    const calls = this.#running();
    const { header, body } = await calls.ask({ kind, ask: { ...question, path: resolve(question.path) } }, [], {
      what: 'read a model',
      timeoutMs: READER_TIMEOUT_MS,
      busyFactor: READER_BUSY_FACTOR,
      signal,
      onWord: (word, restart) => restart(READER_TIMEOUT_MS + (word as ReaderWord).storedBytes / READER_BYTES_PER_MS),
    });
    this.#answered++;
    const { failed } = header as AnswerHeader;
    if (failed) throw new EdgewrightError(failed satisfies ErrorBody);
    return JSON.parse(body.toString('utf8')) as ReaderQuestions[K]['answer'];
  }

  #running(): ChildCalls {
    if (this.#calls?.alive) return this.#calls;
    const args: ReaderArguments = { memoryBytes: READER_MEMORY_BYTES, parent: process.pid };
    // With the addon the process gives up its rights to the system itself; without it Node can at least keep it from writing.
    const nodeArgs = [`--max-old-space-size=${READER_HEAP_MIB}`, ...(loadNative() ? [] : ['--permission', '--allow-fs-read=*'])];
    const calls = new ChildCalls(spawnNode(entry(), [JSON.stringify(args)], { nodeArgs, confinable: true }), READER_WORDS, {
      answers: READER_ANSWERS,
      memory: { bytes: READER_MEMORY_BYTES, pollMs: READER_POLL_MS },
    });
    this.#calls = calls;
    this.#answered = 0;
    // Takes the first turn: the time of a question begins when the process is there. What ends it before is told to who asks.
    calls.ready({ what: 'start', timeoutMs: READER_START_MS }).catch(() => {});
    return calls;
  }
}

/** Beside this file, in the sources as in the built program. */
function entry(): string {
  return fileURLToPath(new URL(`./reader-main${extname(import.meta.url)}`, import.meta.url));
}

/** One or a few questions in a process of their own. */
export async function withReader<T>(work: (reader: ModelReader) => Promise<T>): Promise<T> {
  const reader = new ModelReader();
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}

/** `checkStructure`, in a process of its own. @throws what `ModelReader.ask` throws */
export function checkStructureApart(path: string, options: { signal?: AbortSignal | undefined } = {}): Promise<StructureCheck> {
  return withReader((reader) => reader.ask('check', { path }, options));
}
