/** Shows a job's progress on stderr until it ends. Ctrl-C cancels the job and waits until it has stopped. */
import { EdgewrightError, type Job, formatMs } from '#contract';
import type { Client } from './connect.ts';
import { onInterrupt } from './interrupt.ts';
import { printable } from './printable.ts';

/** @throws the job's own error when it failed or was cancelled */
export async function followJob(client: Client, jobId: string, options: { quiet: boolean }): Promise<Job> {
  const tty = process.stderr.isTTY && !options.quiet;
  let last = '';
  let ended: Job | undefined;
  const release = onInterrupt(() => {
    process.stderr.write('\nCancelling …\n');
    void client.jobs.cancel({ id: jobId }).catch(() => {});
  });
  try {
    for await (const job of await client.jobs.watch({ id: jobId })) {
      ended = job;
      // Without a terminal a log is read later: the steps, not every count within them.
      const line = printable(tty ? describe(job) : (job.step?.replace(/: \d.*/, '') ?? job.title));
      if (options.quiet || line === last) continue;
      process.stderr.write(tty ? `\r\u001b[2K${line}` : `${line}\n`);
      last = line;
    }
  } finally {
    release();
    if (tty) process.stderr.write('\r\u001b[2K');
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

function describe(job: Job): string {
  const share = job.progress === undefined ? '' : ` ${Math.round(job.progress * 100)} %`;
  const left = job.etaMs === undefined ? '' : `, about ${formatMs(job.etaMs)} left`;
  return `${job.step ?? job.title}${share}${left}`;
}
