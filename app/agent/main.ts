/** `edgewright-agent`: reads the command line, starts the agent, says once where it is, and ends cleanly when told to. */
import { Command, CommanderError } from 'commander';
import { asEdgewrightError, EdgewrightError, exitCodeOf } from '#contract';
import { userPath, parseAddress } from '#core/platform';
import { startAgent } from './agent.ts';
import { STOP_MS } from './limits.ts';
import { AGENT_VERSION } from './version.ts';

interface Flags {
  dir: string;
  listen?: string;
  infer?: string;
  pair?: boolean;
  codeFile?: string;
}

function readFlags(argv: readonly string[]): Flags {
  const program = new Command('edgewright-agent')
    .description('Receives models from its workspace, tests them, serves them, and puts the one before back when one misbehaves.')
    .version(AGENT_VERSION)
    .requiredOption('--dir <folder>', 'where everything of this device is kept')
    .option('--listen <host:port>', 'management door, mutual TLS (default: the last one, else 127.0.0.1 and any free port)')
    .option('--infer <host:port>', 'inference door, on a loopback address (default likewise)')
    .option('--pair', 'open the pairing door for 10 minutes and show a one-time code')
    .option('--code-file <file>', 'write the code there, readable by this user only, instead of showing it')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  program.parse([...argv], { from: 'user' });
  const flags = program.opts<Flags>();
  if (flags.codeFile !== undefined && !flags.pair) throw new EdgewrightError({ code: 'usage', message: '--code-file needs --pair.', owner: 'usage' });
  return flags;
}

async function main(argv: readonly string[]): Promise<void> {
  // Keys, models and the database are for this user alone.
  process.umask(0o077);
  const flags = readFlags(argv);
  const agent = await startAgent({
    dir: userPath(flags.dir),
    listen: flags.listen === undefined ? undefined : parseAddress(flags.listen),
    infer: flags.infer === undefined ? undefined : parseAddress(flags.infer),
    pair: flags.pair ?? false,
    codeFile: flags.codeFile === undefined ? undefined : userPath(flags.codeFile),
  });
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(exitCodeOf('bug')), STOP_MS).unref();
    agent.stop().then(
      () => process.exit(0),
      (error: unknown) => process.exit(complain(error)),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (agent.notice !== undefined) process.stderr.write(`edgewright-agent: ${agent.notice}\n`);
  process.stdout.write(`${JSON.stringify(agent.ready)}\n`);
}

/** One line on stderr. @returns the exit code */
function complain(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    process.stderr.write(`edgewright-agent: ${error.message.replace(/^error: /, '')} (--help lists the options)\n`);
    return exitCodeOf('usage');
  }
  const { message, expected, found, hint, owner } = asEdgewrightError(error);
  const detail = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ');
  const line = [message, detail && `(${detail})`, hint].filter(Boolean).join(' ').replace(/\s+/g, ' ');
  process.stderr.write(`edgewright-agent: ${line}\n`);
  return exitCodeOf(owner);
}

// Whoever started us may have closed our pipes since; that is no reason to end.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
process.on('uncaughtException', (error) => process.exit(complain(error)));
main(process.argv.slice(2)).catch((error: unknown) => process.exit(complain(error)));
