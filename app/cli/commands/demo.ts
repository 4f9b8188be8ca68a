import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { asEdgewrightError, type ErrorBody, exitCodeOf } from '#contract';
import { programRoot } from '#core/platform';
import { setExitCode, wantsJson } from '../command.ts';
import type { DemoContext } from '../demo/steps.ts';

interface StepReport {
  name: string;
  ok: boolean;
  seconds: number;
  error?: ErrorBody;
  [figure: string]: unknown;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('The whole loop on a real model, in a throw-away workspace: hardware, build, run, trial, deploy, roll back')
    .action(async (_options: unknown, command: Command) => {
      const json = wantsJson(command);
      const began = performance.now();
      const steps = await runDemo((report, lines) => {
        if (json) return;
        process.stdout.write(`${report.ok ? '✓' : '✗'} ${report.name.padEnd(24)} ${report.seconds.toFixed(1).padStart(5)} s  ${lines[0] ?? ''}\n`);
        for (const line of lines.slice(1)) process.stdout.write(`${' '.repeat(36)}${line}\n`);
      });
      const failed = steps.find((s) => !s.ok);
      const seconds = (performance.now() - began) / 1000;
      if (json) process.stdout.write(`${JSON.stringify({ ok: failed === undefined, seconds, steps, ...(failed?.error && { error: failed.error }) })}\n`);
      else
        process.stdout.write(
          failed
            ? `${failed.name} failed after ${seconds.toFixed(1)} s.\n`
            : `All ${steps.length} steps in ${seconds.toFixed(1)} s. The workspace was removed again.\n`,
        );
      if (failed?.error) setExitCode(exitCodeOf(failed.error.owner));
    });
}

/** Runs every step until one fails; the workspace, its device and all they wrote are gone afterwards. */
async function runDemo(onStep: (report: StepReport, lines: string[]) => void): Promise<StepReport[]> {
  const workDir = await mkdtemp(join(tmpdir(), 'edgewright-demo-'));
  const abort = new AbortController();
  const onInterrupt = () => abort.abort();
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  const [{ openLocalClient }, { STEPS }] = await Promise.all([import('#engine'), import('../demo/steps.ts')]);
  const local = await openLocalClient({ home: join(workDir, 'workspace'), hold: true, throwAway: true });
  const context: DemoContext = {
    client: local.client,
    workDir,
    sampleDir: join(programRoot(), 'assets', 'sample-bundle'),
    signal: abort.signal,
    startDevice: () => local.startPracticeDevice(),
  };
  const steps: StepReport[] = [];
  try {
    for (const [name, run] of STEPS) {
      const began = performance.now();
      const seconds = () => (performance.now() - began) / 1000;
      try {
        abort.signal.throwIfAborted();
        const { figures, lines } = await run(context);
        const report = { ...figures, name, ok: true, seconds: seconds() };
        steps.push(report);
        onStep(report, lines);
      } catch (thrown) {
        const error = asEdgewrightError(thrown).toBody();
        const report = { name, ok: false, seconds: seconds(), error };
        steps.push(report);
        onStep(report, [error.message, ...(error.found === undefined ? [] : [`found: ${error.found}`])]);
        break;
      }
    }
    return steps;
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
    await local.close();
    await rm(workDir, { recursive: true, force: true });
  }
}
