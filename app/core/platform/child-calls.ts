/**
 * Questions to a child process, one at a time, as frames on its pipes. Whatever such a child computes cannot be interrupted from
 * within: so it is ended when an answer takes too long, when the question is cancelled, or when it takes too much memory.
 */
import { EdgewrightError } from '#contract';
import { type Frame, type FrameLimits, readFrames, writeFrame } from './frames.ts';
import { LAST_WORDS_MS } from './limits.ts';
import { type ChildExit, type NodeChild, processorTime, residentMemory } from './process.ts';
import { Turns } from './turns.ts';

/** How the ends of a child become errors: every room has its own codes and words for them. */
export interface EndWords {
  timedOut(what: string, ms: number): EdgewrightError;
  cancelled(signal: AbortSignal): EdgewrightError;
  /** It took more memory than `memory.bytes`. */
  tooLarge(): EdgewrightError;
  /** It ended by itself, or was ended from outside, while it was to do `what`. */
  ended(what: string, exit: ChildExit, stderr: string): EdgewrightError;
  /** It was closed: by `close` or `kill`. */
  closed(): EdgewrightError;
  /** For questions that waited behind the one over which it was ended. */
  stopped(why: EdgewrightError): EdgewrightError;
}

export interface ChildCallsOptions {
  /** Largest answer that is read. */
  answers?: FrameLimits | undefined;
  /** Resident memory it may take, looked at every `pollMs` while it is asked, where the platform tells. */
  memory?: { bytes: number; pollMs: number } | undefined;
}

export interface AskOptions {
  /** What it is asked to do, in words that follow "to": `load a model`. */
  what: string;
  timeoutMs: number;
  /**
   * How many times `timeoutMs` it may take on the clock while the machine is too busy to give it that much processor time, where the
   * platform tells; 1 unless said.
   */
  busyFactor?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told every frame before the answer, those with a `word`; `restart` begins the time anew. */
  onWord?: ((word: unknown, restart: (ms: number) => void) => void) | undefined;
}

interface Pending {
  id: number;
  what: string;
  onWord(word: unknown): void;
  resolve(answer: Frame): void;
  reject(error: Error): void;
}

/** The child answers a frame whose header holds `id` with one of the same `id`; its first frame, with id 0, says that it is ready. */
export class ChildCalls {
  /** Resolves when the process is gone, with the reason. */
  readonly ended: Promise<ChildExit & { error: EdgewrightError }>;
  readonly #child: NodeChild;
  readonly #words: EndWords;
  readonly #turns = new Turns();
  readonly #memory: ChildCallsOptions['memory'];
  #pending: Pending | undefined;
  /** Told before anybody waited for it. */
  #early: Frame | undefined;
  #nextId = 1;
  /** Why it was, or is being, ended. */
  #why: EdgewrightError | undefined;

  constructor(child: NodeChild, words: EndWords, options: ChildCallsOptions = {}) {
    this.#child = child;
    this.#words = words;
    const [, , , input, output] = child.process.stdio;
    // A broken pipe only means that the process is ending, which `ended` tells.
    input?.on('error', () => {});
    output?.on('error', () => {});
    if (output && 'read' in output)
      readFrames(
        output,
        (frame) => this.#receive(frame),
        () => this.#end(words.ended(this.#doing(), { code: null, signal: null }, child.stderr())),
        options.answers,
      );
    this.#memory = options.memory;
    this.ended = this.#watchEnd();
  }

  get pid(): number {
    return this.#child.process.pid ?? -1;
  }
  /** It can be asked. */
  get alive(): boolean {
    return !this.#why;
  }
  /** The last of what it wrote to stderr. */
  stderr(): string {
    return this.#child.stderr();
  }

  /** Waits for its first frame. */
  ready(options: AskOptions): Promise<Frame> {
    return this.#turn(options, (answer) => {
      if (this.#early) answer.resolve(this.#early);
      return 0;
    });
  }

  /** One question after another; the clock of one starts when it is its turn. @throws what `EndWords` makes; machine.frame-too-large */
  ask(question: object, bodies: readonly Uint8Array[], options: AskOptions): Promise<Frame> {
    return this.#turn(options, () => {
      const id = this.#nextId++;
      const input = this.#child.process.stdio[3];
      if (input && 'write' in input) writeFrame(input, { ...question, id }, bodies).catch((error: Error) => this.#failWrite(id, error));
      return id;
    });
  }

  /** Ends the process at once. */
  kill(): void {
    this.#end(this.#words.closed());
  }

  /** Ends the process and waits until it is gone. */
  async close(): Promise<void> {
    this.kill();
    await this.ended;
  }

  async #turn(options: AskOptions, begin: (answer: PromiseWithResolvers<Frame>) => number): Promise<Frame> {
    try {
      return await this.#turns.take(() => this.#exchange(options, begin), options.signal);
    } catch (error) {
      // Left the queue before its turn: say why in the words of every other cancel.
      if (options.signal?.aborted && !(error instanceof EdgewrightError)) throw this.#words.cancelled(options.signal);
      throw error;
    }
  }

  async #exchange({ what, timeoutMs, busyFactor = 1, signal, onWord }: AskOptions, begin: (answer: PromiseWithResolvers<Frame>) => number): Promise<Frame> {
    if (this.#why) throw this.#words.stopped(this.#why);
    if (signal?.aborted) {
      const why = this.#words.cancelled(signal);
      this.#end(why);
      throw why;
    }
    const answer = Promise.withResolvers<Frame>();
    const giveUp = (error: EdgewrightError) => {
      this.#end(error);
      answer.reject(error);
    };
    let timer: NodeJS.Timeout | undefined;
    const restart = (ms: number) => {
      clearTimeout(timer);
      const last = performance.now() + ms * busyFactor;
      const before = processorTime(this.pid) ?? 0;
      const look = () => {
        const used = (processorTime(this.pid) ?? Number.POSITIVE_INFINITY) - before;
        const left = Math.min(ms - used, last - performance.now());
        if (left > 0) timer = setTimeout(look, left);
        else giveUp(this.#words.timedOut(what, ms));
      };
      timer = setTimeout(look, ms);
    };
    const onAbort = () => signal && giveUp(this.#words.cancelled(signal));
    restart(timeoutMs);
    const { bytes = 0, pollMs } = this.#memory ?? {};
    const watch = bytes > 0 ? setInterval(() => (residentMemory(this.pid)?.now ?? 0) > bytes && giveUp(this.#words.tooLarge()), pollMs) : undefined;
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#pending = { id: -1, what, onWord: (word) => onWord?.(word, restart), resolve: answer.resolve, reject: answer.reject };
      this.#pending.id = begin(answer);
      return await answer.promise;
    } finally {
      this.#pending = undefined;
      clearTimeout(timer);
      clearInterval(watch);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #receive(frame: Frame): void {
    const { id, word } = frame.header as { id?: number; word?: unknown };
    if (id === 0) this.#early = frame;
    if (!this.#pending || id !== this.#pending.id) return;
    if (word === undefined) this.#pending.resolve(frame);
    else this.#pending.onWord(word);
  }

  /** The frame was too large: nothing was sent, the child is whole. Any other write error means that it is ending. */
  #failWrite(id: number, error: Error): void {
    if ('code' in error && error.code === 'machine.frame-too-large' && this.#pending?.id === id) this.#pending.reject(error);
  }

  #end(why: EdgewrightError): void {
    if (this.#why) return;
    this.#why = why;
    this.#child.process.kill('SIGKILL');
    this.#pending?.reject(why);
  }

  async #watchEnd(): Promise<ChildExit & { error: EdgewrightError }> {
    const exit = await this.#child.ended;
    await lastWordsRead(this.#child);
    this.#why ??= this.#words.ended(this.#doing(), exit, this.#child.stderr());
    this.#pending?.reject(this.#why);
    return { ...exit, error: this.#why };
  }

  #doing(): string {
    return this.#pending?.what ?? 'wait';
  }
}

/** The pipe may still hold what a process wrote just before it ended. */
function lastWordsRead(child: NodeChild): Promise<void> {
  const { stderr } = child.process;
  if (!stderr || stderr.readableEnded || stderr.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LAST_WORDS_MS);
    stderr.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
