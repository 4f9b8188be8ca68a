/** What can go wrong with a process that reads models, in words and codes. */
import { EdgewrightError } from '#contract';
import type { ChildExit, EndWords, FrameLimits } from '#core/platform';
import { refuse } from './errors.ts';
import { READER_ANSWER_BYTES, READER_MEMORY_BYTES } from './limits.ts';

/** Largest answer that is taken. */
export const READER_ANSWERS: FrameLimits = { headerBytes: 1024 * 1024, bodyBytes: READER_ANSWER_BYTES };

export const STOPPED = 'machine.reader-stopped';
export const TOO_COMPLEX = 'model.too-complex';

export const READER_WORDS: EndWords = {
  timedOut: (_what, ms) =>
    refuse(TOO_COMPLEX, 'Looking through the model takes longer than for any real one.', { expected: `at most ${Math.round(ms / 1000)} s` }),
  cancelled: () => new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' }),
  tooLarge,
  ended: (_what, exit, stderr) => (/out of memory|bad_alloc|allocation failed/i.test(stderr) ? tooLarge() : ended(exit, stderr)),
  closed: () => new EdgewrightError({ code: 'machine.reader-closed', message: 'The process that reads models has been closed.', owner: 'bug' }),
  stopped: (why) =>
    new EdgewrightError(
      { code: STOPPED, message: 'The process that reads models was stopped before this question had its turn.', owner: 'machine' },
      { cause: why },
    ),
};

function tooLarge(): EdgewrightError {
  return refuse(TOO_COMPLEX, 'Looking through the model takes more memory than for any real one.', { expected: `at most ${READER_MEMORY_BYTES} bytes` });
}

export function tooMuchToTell(): EdgewrightError {
  return refuse(TOO_COMPLEX, 'What there is to tell of the model is more than for any real one.', { expected: `at most ${READER_ANSWER_BYTES} bytes` });
}

function ended({ code, signal }: ChildExit, stderr: string): EdgewrightError {
  return new EdgewrightError({
    code: 'machine.check-ended',
    message: 'The process that reads the model ended before it was done.',
    found: `${signal ? `signal ${signal}` : `exit code ${code ?? 'unknown'}`} ${stderr.slice(-300)}`.trim(),
    hint: 'Another program stopped it, or the system ran out of memory. Run it again.',
    owner: 'machine',
  });
}
