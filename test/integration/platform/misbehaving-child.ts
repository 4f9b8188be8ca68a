/** Answers what it is asked, and does with itself what it is told to. */
import { writeSync } from 'node:fs';
import { answerCalls } from '#core/platform';

const kept: Uint8Array[] = [];

const ACTS: Record<string, (ask: number) => unknown> = {
  echo: (ask) => ask,
  hang: () => {
    for (;;);
  },
  sleep: (ask) => new Promise((resolve) => setTimeout(() => resolve('slept'), ask)),
  eat: async (ask) => {
    for (let have = 0; have < ask; have += 10_000_000) {
      kept.push(new Uint8Array(10_000_000).fill(1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return new Promise((resolve) => setTimeout(resolve, 10_000));
  },
  crash: () => process.abort(),
  leave: () => process.exit(3),
  fail: () => {
    throw new Error('of no use');
  },
  shout: (ask) => 'x'.repeat(ask),
  // Not by the rules of the pipe at all.
  babble: () => writeSync(4, Buffer.alloc(64, 0xff)),
};

answerCalls(
  ({ kind, ask }) => ACTS[kind]?.(ask as number),
  { headerBytes: 1_000, bodyBytes: 100_000 },
  () => new Error('too much'),
);
