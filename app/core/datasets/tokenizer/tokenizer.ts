/**
 * Hugging Face's tokenizer.json: from text to the tokens of a model and back, with the same results as the `tokenizers`
 * library (0.23) that models are trained with. Every stage is built from data; nothing in the file can run for long.
 */
import { EdgewrightError } from '#contract';
import { AddedTokens } from './added-tokens.ts';
import { AlignedText } from './aligned-text.ts';
import { Budget } from './budget.ts';
import { type Decode, makeDecoder } from './decoders.ts';
import type { EncodedToken } from './encoding.ts';
import { malformed, unsupported } from './errors.ts';
import { pad, truncate } from './length.ts';
import { Bpe } from './models/bpe.ts';
import type { TokenModel } from './models/model.ts';
import { Unigram } from './models/unigram.ts';
import { WordLevel } from './models/word-level.ts';
import { WordPiece } from './models/word-piece.ts';
import { makeNormalizer, type Normalize } from './normalizers.ts';
import { makePostProcessor, type PostProcessor } from './post-processors.ts';
import { makePreTokenizer, type PreTokenize } from './pre-tokenizers.ts';
import { type ModelSpec, type PaddingSpec, TokenizerSchema, type TokenizerSpec, type TruncationSpec } from './schema.ts';

export interface EncodeOptions {
  /** Whether the model's special tokens are put around the text. */
  addSpecial?: boolean;
  /** Instead of the tokenizer's own; null for none. */
  truncation?: TruncationSpec | null | undefined;
  padding?: PaddingSpec | null | undefined;
  /** Tokens that stand around each text besides the tokenizer's own. */
  around?: { before: readonly EncodedToken[]; after: readonly EncodedToken[] };
}

export class Tokenizer {
  readonly #model: TokenModel;
  readonly #normalize: Normalize | undefined;
  readonly #preTokenize: PreTokenize | undefined;
  readonly #postProcessor: PostProcessor | undefined;
  readonly #decode: Decode | undefined;
  readonly #added: AddedTokens;
  /** What the file itself says of lengths. */
  readonly truncation: TruncationSpec | undefined;
  readonly padding: PaddingSpec | undefined;

  private constructor(spec: TokenizerSpec) {
    this.#model = makeModel(spec.model);
    this.#normalize = spec.normalizer ? makeNormalizer(spec.normalizer) : undefined;
    this.#preTokenize = spec.pre_tokenizer ? makePreTokenizer(spec.pre_tokenizer) : undefined;
    this.#postProcessor = spec.post_processor ? makePostProcessor(spec.post_processor) : undefined;
    this.#decode = spec.decoder ? makeDecoder(spec.decoder) : undefined;
    this.#added = new AddedTokens(spec.added_tokens, this.#model, this.#normalize, new Budget());
    this.truncation = spec.truncation ?? undefined;
    this.padding = spec.padding ?? undefined;
  }

  /**
   * @param bytes tokenizer.json
   * @throws tokenizer.malformed, tokenizer.unsupported (input)
   */
  static parse(bytes: Uint8Array): Tokenizer {
    let raw: unknown;
    try {
      raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (cause) {
      throw new EdgewrightError({ code: 'tokenizer.malformed', message: 'The tokenizer cannot be read: it is not JSON.', owner: 'input' }, { cause });
    }
    const parsed = TokenizerSchema.safeParse(raw);
    if (parsed.success) return new Tokenizer(parsed.data);
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') || 'the file';
    if (issue?.code === 'custom' && issue.params?.['unsupported'] === true) throw unsupported(`in ${where} ${issue.message}`);
    throw malformed(`${where} is wrong.`, { found: issue?.message ?? '' });
  }

  /**
   * @param pair a second text, for models that take two
   * @throws tokenizer.too-costly, tokenizer.no-unknown-token, tokenizer.cannot-truncate (input)
   */
  encode(text: string, pair?: string, options: EncodeOptions = {}): EncodedToken[] {
    const { addSpecial = true, truncation = this.truncation, padding = this.padding, around = { before: [], after: [] } } = options;
    const budget = new Budget();
    const isPair = pair !== undefined;
    let parts = [this.#sequence(text, 0, budget), ...(isPair ? [this.#sequence(pair, 1, budget)] : [])];
    if (truncation) {
      const own = addSpecial ? (this.#postProcessor?.added(isPair) ?? 0) : 0;
      const added = own + around.before.length + around.after.length * parts.length;
      parts = truncate(parts, truncation.max_length - added, truncation);
    }
    parts = parts.map((part, i) => [...(i === 0 ? around.before : []), ...part, ...around.after.map((token) => ({ ...token, type: i }))]);
    const tokens = (this.#postProcessor ? this.#postProcessor.process(parts, addSpecial) : parts).flat();
    return padding ? pad(tokens, padding.strategy === 'BatchLongest' ? tokens.length : padding.strategy.Fixed, padding) : tokens;
  }

  /** @param skipSpecial leave out special tokens */
  decode(ids: readonly number[], skipSpecial = true): string {
    const tokens = ids.map((id) => this.textOf(id)).filter((text) => text !== undefined && !(skipSpecial && this.#added.isSpecial(text)));
    const known = tokens.filter((text) => text !== undefined);
    return this.#decode ? this.#decode(known, new Budget()).join('') : known.join(' ');
  }

  idOf(text: string): number | undefined {
    return this.#added.idOf(text) ?? this.#model.idOf(text);
  }

  textOf(id: number): string | undefined {
    return this.#added.textOf(id) ?? this.#model.textOf(id);
  }

  #sequence(text: string, sequence: 0 | 1, budget: Budget): EncodedToken[] {
    const tokens: EncodedToken[] = [];
    let word = 0;
    for (const { text: section, id } of this.#added.extract(AlignedText.of(text), this.#normalize, budget)) {
      if (id !== undefined) {
        const [from, to] = section.original(0, section.length);
        tokens.push({ id, text: section.toString(), from, to, word: word++, type: sequence, sequence, special: false, attended: true });
        continue;
      }
      const pieces = this.#preTokenize ? this.#preTokenize(section, budget).filter((piece) => piece.length > 0) : [section];
      for (const piece of pieces) {
        for (const token of this.#model.tokenize(piece.codes, budget)) {
          const [from, to] = piece.original(token.from, token.to);
          tokens.push({ id: token.id, text: token.text, from, to, word, type: sequence, sequence, special: false, attended: true });
        }
        word++;
      }
    }
    return tokens;
  }
}

function makeModel(spec: ModelSpec): TokenModel {
  switch (spec.type) {
    case 'BPE':
      return new Bpe(spec);
    case 'WordPiece':
      return new WordPiece(spec);
    case 'WordLevel':
      return new WordLevel(spec);
    case 'Unigram':
      return new Unigram(spec);
  }
}

/** For BundleFiles.load, which tells readers apart by the function. */
export function parseTokenizer(bytes: Uint8Array): Tokenizer {
  return Tokenizer.parse(bytes);
}
