/** Ctrl-C, and SIGTERM which means the same: whoever works right now says what stops it. A second one does not wait. */
import { exitCodeOf } from '#contract';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** The innermost one is asked. */
const reactions: (() => void)[] = [];
let asked = 0;

function interrupt(): void {
  asked += 1;
  if (asked > 1) process.exit(exitCodeOf('cancelled'));
  reactions.at(-1)?.();
}

/** Calls `react` instead of ending the process, until the function returned is called. */
export function onInterrupt(react: () => void): () => void {
  if (reactions.length === 0) for (const signal of SIGNALS) process.on(signal, interrupt);
  reactions.push(react);
  return () => {
    reactions.splice(reactions.indexOf(react), 1);
    if (reactions.length === 0) for (const signal of SIGNALS) process.off(signal, interrupt);
  };
}
