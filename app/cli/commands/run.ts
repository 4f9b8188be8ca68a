import type { Command } from 'commander';
import { EdgewrightError, type Generation, type RawInput, type RunRequest, type RunResult, formatBytes, formatMs, significant } from '#contract';
import { userPath } from '#core/platform';
import { describeAnswer } from '../answers.ts';
import { action, type Context } from '../command.ts';
import { describeProviders } from '../providers.ts';
import { refOrPath } from '../ref-or-path.ts';

interface RunOptions {
  input?: string;
  text?: string[];
  output?: string;
  ep?: string;
  strictEp?: boolean;
  maxNewTokens?: string;
  temperature?: string;
  topK?: string;
  topP?: string;
  repetitionPenalty?: string;
  seed?: string;
  stop?: string[];
}

const NUMBERS = ['maxNewTokens', 'temperature', 'topK', 'topP', 'repetitionPenalty', 'seed'] as const satisfies readonly (keyof Generation)[];

export function addRun(program: Command): void {
  program
    .command('run')
    .argument('<ref>', 'name@version[#variant], a digest, or an .onnx file')
    .option('--input <file>', 'what the bundle reads (text, image, audio, table …), or .npz or .npy')
    .option('--text <text>', 'a text instead of a file; again for a further one', (text: string, before: string[] = []) => [...before, text])
    .option('--output <file>', 'write the outputs there as .npz')
    .option('--ep <name>', 'execution provider to ask for')
    .option('--strict-ep', 'fail instead of falling back to another provider')
    .option('--max-new-tokens <n>', 'of generated text')
    .option('--temperature <x>', '0 always takes the best token')
    .option('--top-k <n>', 'choose among the best so many tokens')
    .option('--top-p <x>', 'choose among the best tokens that together have this probability')
    .option('--repetition-penalty <x>', 'above 1: tokens that were there are less likely')
    .option('--seed <n>', 'the same seed gives the same text')
    .option('--stop <text>', 'end generated text before this; again for a further one', (text: string, before: string[] = []) => [...before, text])
    .description('Run a model once, offline, in a process of its own')
    .action(
      action(async ({ client, output, signal }: Context, ref: string, options: RunOptions) => {
        const request: RunRequest = {
          ref: refOrPath(ref),
          input: inputOf(options),
          strictEp: options.strictEp ?? false,
          generation: generationOf(options),
          ...(options.ep !== undefined && { ep: options.ep }),
          ...(options.output !== undefined && { output: userPath(options.output) }),
        };
        let shown = false;
        for await (const event of await client.inference.stream(request, { signal })) {
          if (event.kind === 'text') {
            output.part(event.text);
            shown = true;
            continue;
          }
          const { preview: _preview, ...rest } = event.result;
          if (shown) output.part('\n');
          output.result(rest, describeRun(event.result, shown));
        }
      }),
    );
}

/** @throws usage.input */
function inputOf({ input, text }: RunOptions): RawInput {
  if ((input === undefined) === (text === undefined)) {
    throw new EdgewrightError({
      code: 'usage.input',
      message: input === undefined ? 'There is nothing to run the model on.' : 'There are two inputs.',
      expected: '--input FILE or --text TEXT',
      owner: 'usage',
    });
  }
  if (input !== undefined) return { kind: 'file', path: userPath(input) };
  const texts = text ?? [];
  if (texts.length > 1 && texts.slice(0, -1).some((one) => one.includes('\n'))) {
    throw new EdgewrightError({
      code: 'usage.input',
      message: 'Of several texts each must be one line.',
      hint: 'Give them in a file (--input) as the recipe of the bundle reads it.',
      owner: 'usage',
    });
  }
  return { kind: 'text', text: texts.join('\n') };
}

function generationOf(options: RunOptions): Generation {
  const numbers = Object.fromEntries(NUMBERS.flatMap((key) => (options[key] === undefined ? [] : [[key, Number(options[key])]])));
  return { ...numbers, ...(options.stop && { stop: options.stop }) };
}

/** @param shown whether the text was printed as it came */
function describeRun(result: RunResult, shown: boolean): string[] {
  const { answer } = result;
  const tokens =
    answer.kind === 'text' && answer.ended !== undefined ? `${answer.tokens} tokens, ${significant((answer.tokens / result.latencyMs) * 1000)} a second; ` : '';
  return [
    ...(shown ? [] : describeAnswer(answer)),
    `${tokens}${formatMs(result.latencyMs)} (loaded in ${formatMs(result.loadMs)}, ${formatBytes(result.memoryBytes)} memory). ${describeProviders(result.providers)}`,
  ];
}
