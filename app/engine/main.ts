/**
 * `edgewright` engine: one per workspace. Prints the link of its screens and runs until it is told to end.
 * A second one on the same workspace prints the link of the first and ends well.
 */
import { asEdgewrightError, exitCodeOf } from '#contract';
import { workspaceHome } from '#core/platform';
import { startEngine } from './engine.ts';

async function main(): Promise<void> {
  const engine = await startEngine({ home: workspaceHome() });
  process.stdout.write(`Edgewright ready: ${engine.link}\n`);
  if (engine.already) return;
  if (engine.notice !== undefined) process.stderr.write(`${engine.notice}\n`);
  const end = (signal: string) => {
    engine.log.info({ signal }, 'ending');
    void engine.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGINT', () => end('SIGINT'));
  process.once('SIGTERM', () => end('SIGTERM'));
  process.once('SIGHUP', () => end('SIGHUP'));
  await engine.closed;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const body = asEdgewrightError(error).toBody();
  process.stderr.write(`${body.message}${body.hint === undefined ? '' : `\n  ${body.hint}`}\n`);
  process.exit(exitCodeOf(body.owner));
}
