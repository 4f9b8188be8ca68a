/** What can go wrong with a runner, in words and codes. */
import { EdgewrightError } from '#contract';
import { withLoaderReason } from '#core/hardware';
import type { EndWords } from '#core/platform';
import { explain } from './explain.ts';
import { LAST_WORDS_CHARS } from './limits.ts';
import { type FailureKind, MEMORY_MARK } from './wire.ts';

/** @param limitBytes its memory limit; 0 where none was set */
export function endWords(limitBytes: number): EndWords {
  return {
    timedOut: (what, ms) => timedOut(`To ${what}`, ms),
    cancelled,
    tooLarge: () => memoryPassed(limitBytes, ''),
    ended: (what, exit, stderr) => {
      const memory = limitBytes > 0 && (stderr.includes(MEMORY_MARK) || /out of memory|bad_alloc/i.test(stderr));
      if (!memory) return crashed(what, exit, stderr);
      const words = stderr.slice(Math.max(0, stderr.lastIndexOf(MEMORY_MARK))).trim();
      return memoryPassed(limitBytes, words.slice(-300));
    },
    closed,
    stopped,
  };
}

function timedOut(what: string, ms: number): EdgewrightError {
  return new EdgewrightError({
    code: 'runtime.timeout',
    message: `${what} did not end in time, so its process was stopped.`,
    expected: `at most ${ms / 1000} s`,
    found: 'still busy',
    hint: 'The model may loop without end, or be too slow for this machine.',
    owner: 'machine',
  });
}

/** Why a caller's signal fired: somebody cancelled, or a deadline the caller had set has passed. */
function cancelled(signal: AbortSignal): EdgewrightError {
  if (signal.reason instanceof Error && signal.reason.name === 'TimeoutError') {
    return new EdgewrightError({
      code: 'runtime.timeout',
      message: 'It took longer than it may, so the process that held the model was stopped.',
      hint: 'The model may loop without end, or be too slow for this machine.',
      owner: 'machine',
    });
  }
  return new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' });
}

/** @param limitBytes 0 where none was set: then the machine itself had no more */
export function memoryPassed(limitBytes: number, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'runtime.memory',
    message: limitBytes > 0 ? 'The model needs more memory than its limit.' : 'There is not enough memory for the model.',
    ...(limitBytes > 0 && { expected: `at most ${limitBytes} bytes` }),
    found,
    hint: 'Raise the memory limit of the bundle, or use a smaller variant or batch.',
    owner: 'machine',
  });
}

function crashed(what: string, how: { code: number | null; signal: NodeJS.Signals | null }, stderr: string): EdgewrightError {
  const words = lastWords(stderr);
  return new EdgewrightError({
    code: 'runtime.crashed',
    message: `The process that held the model ended unexpectedly while it was to ${what}.`,
    found: `${how.signal ? `signal ${how.signal}` : `exit code ${how.code ?? 'unknown'}`}${words ? `: ${words}` : ''}`,
    hint:
      how.signal === 'SIGKILL'
        ? 'Another program stopped it, or the system ran out of memory.'
        : 'A driver or ONNX Runtime itself may be at fault; try another execution provider.',
    owner: 'machine',
  });
}

/** For calls that waited their turn behind the one that brought the runner down. */
function stopped(why: EdgewrightError): EdgewrightError {
  if (why.code === 'runtime.closed') return why;
  return new EdgewrightError(
    {
      code: 'runtime.stopped',
      message: 'The process that held the model was stopped before this call had its turn.',
      found: why.message,
      hint: 'Load the model again.',
      owner: 'machine',
    },
    { cause: why },
  );
}

export function closed(): EdgewrightError {
  return new EdgewrightError({ code: 'runtime.closed', message: 'This runner has been closed.', owner: 'bug' });
}

export function startFailed(stderr: string, cause?: string): EdgewrightError {
  return new EdgewrightError(
    {
      code: 'runtime.start-failed',
      message: 'ONNX Runtime could not be started.',
      found: lastWords(stderr) || cause || 'no words',
      hint: `Check that this platform is supported (${process.platform} ${process.arch}), then install Edgewright again.`,
      owner: 'machine',
    },
    { cause },
  );
}

const FAILURES: Record<Exclude<FailureKind, 'memory'>, { code: string; message: string; hint: string; owner: 'input' | 'machine' | 'bug' }> = {
  load: {
    code: 'runtime.load-failed',
    message: 'ONNX Runtime cannot load this model.',
    hint: 'Export it again, or check it with: edgewright check MODEL',
    owner: 'input',
  },
  run: {
    code: 'runtime.run-failed',
    message: 'ONNX Runtime cannot run this model on these inputs.',
    hint: "Check names, types and shapes of the inputs against the model's.",
    owner: 'input',
  },
  provider: {
    code: 'runtime.provider-failed',
    message: 'The execution provider asked for cannot run this model here.',
    hint: 'See what this machine can run with: edgewright hardware',
    owner: 'machine',
  },
  state: { code: 'runtime.no-model', message: 'The runner was asked to run before a model was loaded.', hint: 'This is a fault in Edgewright.', owner: 'bug' },
};

const NOT_IMPLEMENTED = {
  code: 'runtime.not-implemented',
  message: 'ONNX Runtime has no code here for a part of this model.',
  hint: 'Another execution provider may have it; else export the model with other types or operators.',
  owner: 'input',
} as const;

/** The failure a runner reported; it is still alive. @param stderr what it wrote there, where ONNX Runtime says more about libraries */
export function reported(kind: FailureKind, message: string, limitBytes: number, stderr: string): EdgewrightError {
  if (kind === 'provider') return new EdgewrightError({ ...FAILURES[kind], found: withLoaderReason(message, stderr).slice(0, LAST_WORDS_CHARS) });
  const { where, reason, notImplemented } = explain(message);
  const found = where === undefined ? reason : `${where}: ${reason}`;
  if (kind === 'memory') return memoryPassed(limitBytes, found);
  return new EdgewrightError({ ...(notImplemented ? NOT_IMPLEMENTED : FAILURES[kind]), found });
}

function lastWords(stderr: string): string {
  return stderr.trim().slice(-LAST_WORDS_CHARS);
}
