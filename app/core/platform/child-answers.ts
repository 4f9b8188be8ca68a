/** The other end of `ChildCalls`, in the child: questions come in on fd 3, answers go out on fd 4, both as JSON. */
import { Socket } from 'node:net';
import { asEdgewrightError, type ErrorBody } from '#contract';
import { type FrameLimits, readFrames, writeFrame } from './frames.ts';

/** What an answer's header holds beside its id; the answer itself is JSON in the body. */
export type AnswerHeader = { id: number; failed?: ErrorBody };

/**
 * Answers one question after another until the parent lets go. A question says its `kind` and what it asks; `say` tells the parent something before
 * the answer.
 * @param limits what the parent takes; a larger answer becomes `tooMuch()`
 */
export function answerCalls(
  answer: (question: { kind: string; ask: unknown }, say: (word: unknown) => void) => unknown,
  limits: FrameLimits,
  tooMuch: () => Error,
): void {
  const input = new Socket({ fd: 3, readable: true, writable: false });
  const output = new Socket({ fd: 4, readable: false, writable: true });
  const end = () => process.exit(0);
  for (const event of ['end', 'close', 'error']) input.on(event, end);
  output.on('error', end);
  let queue: Promise<void> = Promise.resolve();
  const handle = async ({ id, kind, ask }: { id: number; kind: string; ask: unknown }) => {
    const say = (word: unknown) => void writeFrame(output, { id, word });
    try {
      const body = inJson(await answer({ kind, ask }, say));
      if (body === undefined || body.length > limits.bodyBytes) throw tooMuch();
      await writeFrame(output, { id }, [body]);
    } catch (error) {
      await writeFrame(output, { id, failed: asEdgewrightError(error).toBody() });
    }
  };
  const take = ({ header }: { header: unknown }): void => {
    queue = queue.then(() => handle(header as { id: number; kind: string; ask: unknown }));
  };
  readFrames(input, take, end);
  void writeFrame(output, { id: 0 });
}

/** Undefined when it is more than one string can hold. */
function inJson(answer: unknown): Buffer | undefined {
  try {
    return Buffer.from(JSON.stringify(answer) ?? 'null', 'utf8');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
