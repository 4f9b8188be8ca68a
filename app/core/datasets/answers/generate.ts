/** Text that a decoder goes on with, token by token. Running the model is the caller's; everything between two runs is here. */
import { z } from 'zod';
import { type Answer, EdgewrightError, type TensorInfo } from '#contract';
import { MAX_NEW_TOKENS, MAX_SEQUENCE, MAX_STOP_CHARS, MAX_STOPS } from '../limits.ts';
import { pickOutput } from '../outputs.ts';
import { seededPrng } from '../prng.ts';
import { isPast, presentOf } from '../recipes/decoder-inputs.ts';
import type { Applied } from '../recipes/kind.ts';
import { fixedLength, type NamedInputs, textFeeds } from '../recipes/text.ts';
import { type Tensor, toNumbers } from '../tensor.ts';
import { type EncodedToken, specialToken } from '../tokenizer/encoding.ts';
import { TextStream } from '../tokenizer/text-stream.ts';
import { type AnswerKind, checkFinite, neededText, unlike } from './kind.ts';
import { chooseToken } from './sampling.ts';

export const GenerateAnswerSchema = z.strictObject({
  kind: z.literal('generate'),
  /** [batch, tokens, vocabulary], or [batch, vocabulary] of the last token alone. */
  output: z.string().min(1).default('logits'),
  maxNewTokens: z.number().int().min(1).max(MAX_NEW_TOKENS).default(64),
  /** 0 always takes the best token. */
  temperature: z.number().min(0).max(10).default(0),
  topK: z.number().int().min(0).max(1_000_000).default(0),
  topP: z.number().gt(0).max(1).default(1),
  repetitionPenalty: z.number().min(0.1).max(10).default(1),
  /** The same seed gives the same text. */
  seed: z.number().int().min(0).max(0xffffffff).default(0),
  /** Tokens that end the text, as they stand in the tokenizer; they are not part of it. */
  stopTokens: z.array(z.string().min(1).max(MAX_STOP_CHARS)).max(MAX_STOPS).default([]),
  /** Texts that end it; they are not part of it. */
  stop: z.array(z.string().min(1).max(MAX_STOP_CHARS)).max(MAX_STOPS).default([]),
  /** Most tokens the model can take, the prompt counted, where its inputs do not fix it. */
  contextLength: z.number().int().min(1).max(MAX_SEQUENCE).optional(),
});
export type GenerateAnswer = z.infer<typeof GenerateAnswerSchema>;

/** From one run there is one token. */
export const generateKind: AnswerKind<GenerateAnswer> = {
  answer(how, outputs, { applied }) {
    const { tokens } = neededText(applied);
    const last = tokens.findLastIndex((token) => token.attended);
    const seen = new Set(tokens.filter((token) => token.attended).map((token) => token.id));
    const next = chooseToken(lastScores(outputs, how.output, last), seen, how, seededPrng(how.seed));
    return { kind: 'text', text: applied?.text?.tokenizer.decode([next]) ?? '', tokens: 1, ended: 'length' };
  },
};

export interface GenerateOptions {
  named: NamedInputs;
  inputs: readonly TensorInfo[];
  /** Runs the model once. */
  step: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>;
  /** Told the text as it grows. */
  onText?: ((text: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Generated {
  answer: Extract<Answer, { kind: 'text' }>;
  /** Of the last run. */
  outputs: Record<string, Tensor>;
}

/**
 * Goes on with the first text until a stop, the limit, or the end of what the model can take in. With a memory of earlier tokens
 * (past_key_values.N inputs, present.N outputs) each step after the first gives the model one token, else all of them again.
 * @throws answer.*, text.prompt-too-long (input); whatever `step` throws
 */
export async function generate(how: GenerateAnswer, applied: Applied, options: GenerateOptions): Promise<Generated> {
  const { inputs, named, step, signal } = options;
  const row = neededText(applied);
  const tokenizer = applied.text?.tokenizer;
  if (!tokenizer) throw new EdgewrightError({ code: 'bug', message: 'A text was made into tokens without a tokenizer.', owner: 'bug' });
  const tokens: EncodedToken[] = row.tokens.filter((token) => token.attended);
  const context = Math.min(how.contextLength ?? MAX_SEQUENCE, fixedLength(named.ids) ?? MAX_SEQUENCE);
  if (tokens.length >= context) {
    throw new EdgewrightError({
      code: 'text.prompt-too-long',
      message: 'The text leaves no room for an answer.',
      expected: `fewer than ${context} tokens`,
      found: `${tokens.length}`,
      hint: 'Give a shorter text.',
      owner: 'input',
    });
  }
  const stopIds = new Set(how.stopTokens.map((name) => tokenizer.idOf(name)));
  const hasPast = inputs.some((input) => isPast(input.name));
  const filler = fixedLength(named.ids);
  const prng = seededPrng(how.seed);
  const seen = new Set(tokens.map((token) => token.id));
  const stream = new TextStream(
    tokenizer,
    tokens.map((token) => token.id),
  );
  const shown = new Shown(how.stop, options.onText);
  let outputs: Record<string, Tensor> = {};
  let made = 0;
  let ended: Generated['answer']['ended'] = 'length';
  while (made < how.maxNewTokens) {
    signal?.throwIfAborted();
    if (tokens.length >= context) {
      ended = 'context';
      break;
    }
    const past = hasPast && made > 0 ? tokens.length - 1 : 0;
    const given = past > 0 ? tokens.slice(past) : tokens;
    const feeds = textFeeds([filler === undefined || hasPast ? given : [...given, ...padding(filler - given.length)]], named, inputs, past);
    if (past > 0) remember(feeds, outputs, inputs);
    outputs = await step(feeds);
    const next = chooseToken(lastScores(outputs, how.output, given.length - 1), seen, how, prng);
    if (stopIds.has(next)) {
      ended = 'end';
      break;
    }
    made++;
    seen.add(next);
    tokens.push({ ...specialToken(next, tokenizer.textOf(next) ?? '', 0), special: false });
    if (shown.add(stream.push(next))) {
      ended = 'stop';
      break;
    }
  }
  if (ended !== 'stop' && shown.add(stream.end())) ended = 'stop';
  return { answer: { kind: 'text', text: shown.end(), tokens: made, ended }, outputs };
}

/** What stands behind the text in an input of fixed length: a decoder does not look ahead, so it may be anything. */
function padding(count: number): EncodedToken[] {
  return Array.from({ length: count }, () => ({ ...specialToken(0, '', 0), attended: false }));
}

function remember(feeds: Record<string, Tensor>, outputs: Readonly<Record<string, Tensor>>, inputs: readonly TensorInfo[]): void {
  for (const { name } of inputs) {
    if (!isPast(name)) continue;
    const present = Object.hasOwn(outputs, presentOf(name)) ? outputs[presentOf(name)] : undefined;
    if (!present) {
      throw new EdgewrightError({
        code: 'answer.no-memory',
        message: `The model takes the memory ${name} but does not give it back.`,
        expected: presentOf(name),
        found: Object.keys(outputs).join(', ').slice(0, 300),
        owner: 'input',
      });
    }
    feeds[name] = present;
  }
}

/** The scores of what follows the token at `position`. */
function lastScores(outputs: Readonly<Record<string, Tensor>>, name: string, position: number): Float64Array {
  const tensor = pickOutput(outputs, name);
  const size = tensor.dims.at(-1) ?? 0;
  const rows = tensor.dims.length === 3 ? (tensor.dims[1] ?? 0) : 1;
  // Some models give the last token alone, whatever was asked.
  const at = rows === 1 ? 0 : position;
  if (tensor.dims.length < 2 || tensor.dims.length > 3 || size === 0 || at >= rows)
    throw unlike(name, `[batch, more than ${position} tokens, vocabulary]`, tensor.dims);
  const { data } = tensor;
  const row: Tensor = {
    ...tensor,
    dims: [size],
    data: Array.isArray(data) ? data.slice(at * size, (at + 1) * size) : data.subarray(at * size, (at + 1) * size),
  };
  return checkFinite(toNumbers(row), name);
}

/** The text so far. What might be the beginning of a stop is held back until it is certain. */
class Shown {
  readonly #stops: readonly string[];
  readonly #tell: ((text: string) => void) | undefined;
  #text = '';
  #told = 0;

  constructor(stops: readonly string[], tell: ((text: string) => void) | undefined) {
    this.#stops = stops;
    this.#tell = tell;
  }

  /** @returns whether a stop has come */
  add(text: string): boolean {
    const from = Math.max(0, this.#text.length - MAX_STOP_CHARS);
    this.#text += text;
    const found = this.#stops.map((stop) => this.#text.indexOf(stop, from)).filter((at) => at >= 0);
    if (found.length > 0) this.#text = this.#text.slice(0, Math.min(...found));
    this.#tellUpTo(found.length > 0 ? this.#text.length : this.#text.length - this.#held());
    return found.length > 0;
  }

  end(): string {
    this.#tellUpTo(this.#text.length);
    return this.#text;
  }

  /** Length of the longest end of the text that a stop begins with. */
  #held(): number {
    let held = 0;
    for (const stop of this.#stops)
      for (let length = Math.min(stop.length - 1, this.#text.length); length > held; length--) if (this.#text.endsWith(stop.slice(0, length))) held = length;
    return held;
  }

  #tellUpTo(end: number): void {
    if (end <= this.#told) return;
    this.#tell?.(this.#text.slice(this.#told, end));
    this.#told = end;
  }
}
