/** Asks a person to confirm what only a person can: that two screens show the same. */
import { createInterface } from 'node:readline/promises';
import { EdgewrightError } from '#contract';
import { printable } from './printable.ts';

/** How long a person may take to answer, in ms: the other one may be on the telephone. */
const ANSWER_WAIT_MS = 10 * 60_000;

/**
 * Goes on only after a yes.
 * @param question with everything that is to be compared
 * @throws usage.no-terminal where nobody can be asked, cancelled after anything but yes
 */
export async function confirm(question: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new EdgewrightError({
      code: 'usage.no-terminal',
      message: 'There is no terminal to ask on whether the fingerprints are the same.',
      hint: 'Compare them, then run it again with --yes.',
      owner: 'usage',
    });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The end of the input is no answer, and would be waited for for ever.
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const asked = lines.question(`${printable(question)} [y/N] `, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WAIT_MS)]) });
    if (/^\s*y(es)?\s*$/i.test(await Promise.race([asked, ended]))) return;
  } finally {
    lines.close();
  }
  throw new EdgewrightError({ code: 'cancelled', message: 'Nothing was changed.', owner: 'cancelled' });
}
