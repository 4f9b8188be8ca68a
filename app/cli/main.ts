/** `edgewright`: reads the command line, speaks the contract, prints one result. */
import { Command, CommanderError } from 'commander';
import { asEdgewrightError } from '#contract';
import { programVersion } from '#core/platform';
import { currentExitCode } from './command.ts';
import { addAudit } from './commands/audit.ts';
import { addBenchmark } from './commands/benchmark.ts';
import { addBundle } from './commands/bundle.ts';
import { addBundleFiles } from './commands/bundle-files.ts';
import { addBundleRegistry } from './commands/bundle-registry.ts';
import { addDemo } from './commands/demo.ts';
import { addDeploy } from './commands/deploy.ts';
import { addDevice } from './commands/device.ts';
import { addHardware } from './commands/hardware.ts';
import { addImport } from './commands/import.ts';
import { addModel } from './commands/model.ts';
import { addProvider } from './commands/provider.ts';
import { addRegistry } from './commands/registry.ts';
import { addStore } from './commands/store.ts';
import { addTrial } from './commands/trial.ts';
import { addTrust } from './commands/trust.ts';
import { addWorkspace } from './commands/workspace.ts';
import { printError } from './output.ts';

export function buildProgram(): Command {
  const program = new Command('edgewright')
    .description('Run, quantize, compare and deploy ONNX models, offline.')
    .version(programVersion(), '--version')
    .option('--json', 'print one JSON document on stdout')
    .exitOverride();
  addHardware(program);
  addProvider(program);
  addModel(program);
  addBenchmark(program);
  const bundle = addBundle(program);
  addBundleFiles(bundle);
  addImport(bundle);
  addBundleRegistry(bundle);
  addImport(program);
  addStore(program);
  addRegistry(program);
  addTrial(program);
  addDevice(program);
  addDeploy(program);
  addTrust(program);
  addWorkspace(program);
  addAudit(program);
  addDemo(program);
  for (const command of everyCommand(program)) {
    if (command !== program) command.option('--json', 'print one JSON document on stdout');
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  return program;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

async function main(argv: string[]): Promise<number> {
  const json = argv.includes('--json');
  try {
    await buildProgram().parseAsync(argv, { from: 'user' });
    return currentExitCode();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are answers, not failures.
      if (error.exitCode === 0) return 0;
      if (error.code === 'commander.help')
        return printError({ code: 'usage', message: 'Which command?', hint: 'edgewright --help lists the commands.', owner: 'usage' }, json);
      return printError({ code: 'usage', message: error.message.replace(/^error: /, ''), hint: 'edgewright --help lists the commands.', owner: 'usage' }, json);
    }
    return printError(asEdgewrightError(error).toBody(), json);
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A pipe that closed early (`| head`) is no failure of ours.
  if (error.code === 'EPIPE') process.exit(0);
  // What was asked for did not arrive: a full disk behind `> file`.
  process.exit(printError(asEdgewrightError(error).toBody(), false));
});
// Nobody reads what would be said there; the exit code still tells.
process.stderr.on('error', () => {});

process.exitCode = await main(process.argv.slice(2));
// A stray handle of a library must not keep a finished command alive; stdout is flushed first.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
process.exit();
