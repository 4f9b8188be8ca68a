/** Shows a job's progress on stderr until it ends. Ctrl-C cancels the job and waits until it has stopped. */
import { randomUUID } from 'node:crypto';
import { EdgewrightError, type Job, formatMs } from '#contract';
import type { Context } from './command.ts';
import type { Client } from './connect.ts';
import { onInterrupt } from './interrupt.ts';
import { printable } from './printable.ts';

/** @throws the job's own error when it failed or was cancelled */
export async function followJob(client: Client, jobId: string, options: { quiet: boolean }): Promise<Job> {
  const line = progressLine(options.quiet);
  let ended: Job | undefined;
  const release = onInterrupt(() => {
    process.stderr.write('\nCancelling …\n');
    void client.jobs.cancel({ id: jobId }).catch(() => {});
  });
  try {
    for await (const job of await client.jobs.watch({ id: jobId })) {
      ended = job;
      line.show(job);
    }
  } finally {
    release();
    line.clear();
  }
  if (!ended || ended.state === 'running') {
    throw new EdgewrightError({
      code: 'machine.engine-gone',
      message: 'The engine ended before the work did.',
      hint: 'Start it again and look at Activity.',
      owner: 'machine',
    });
  }
  if (ended.state === 'cancelled') throw new EdgewrightError({ code: 'cancelled', message: `${ended.title}: cancelled.`, owner: 'cancelled' });
  if (ended.state === 'failed') throw new EdgewrightError(ended.error ?? { code: 'bug', message: `${ended.title} failed.`, owner: 'bug' });
  return ended;
}

/** What a line of progress says. */
type Shown = Pick<Job, 'title' | 'step' | 'progress' | 'etaMs'>;

function describe(job: Shown): string {
  const share = job.progress === undefined ? '' : ` ${Math.round(job.progress * 100)} %`;
  const left = job.etaMs === undefined ? '' : `, about ${formatMs(job.etaMs)} left`;
  return `${job.step ?? job.title}${share}${left}`;
}

/** How long to wait between looks for a job that a call has not begun yet, in ms. */
const LOOK_MS = 50;

/**
 * Makes a call whose work is a job, and shows the job's progress meanwhile. Ctrl-C stops it through the context's signal,
 * which `call` must pass on.
 * @param call is given the id under which its job can be watched
 */
export async function withProgress<T>({ client, output }: Pick<Context, 'client' | 'output'>, call: (jobId: string) => Promise<T>): Promise<T> {
  const jobId = randomUUID();
  let ended = false;
  const result = call(jobId).finally(() => {
    ended = true;
  });
  const show = async () => {
    while (!ended) {
      try {
        for await (const job of await client.jobs.watch({ id: jobId })) line.show(job);
        return;
      } catch {
        // The call waits for its turn, or was refused before it began.
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    }
  };
  const line = progressLine(output.json);
  const shown = output.json ? undefined : show();
  try {
    return await result;
  } finally {
    await Promise.race([shown, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
    line.clear();
  }
}

/** One line on a terminal that is written over; elsewhere a line for each step. */
export function progressLine(quiet: boolean): { show(job: Shown): void; clear(): void } {
  const tty = process.stderr.isTTY && !quiet;
  let last = '';
  return {
    show: (job) => {
      // Without a terminal a log is read later: the steps, not every count within them.
      const line = printable(tty ? describe(job) : (job.step?.replace(/: \d.*/, '') ?? job.title));
      if (quiet || line === last) return;
      process.stderr.write(tty ? `\r\u001b[2K${line}` : `${line}\n`);
      last = line;
    },
    clear: () => {
      if (tty) process.stderr.write('\r\u001b[2K');
    },
  };
}
