/** Text to the tensors that transformers take: ids, attention mask, segment numbers, positions. */
import type { TensorInfo } from '#contract';
import { MAX_TEXT_ELEMENTS, MAX_TEXTS, MAX_TOKENIZER_BYTES } from '../limits.ts';
import { makeTensor, type Tensor } from '../tensor.ts';
import { type EncodedToken, specialToken } from '../tokenizer/encoding.ts';
import { pad } from '../tokenizer/length.ts';
import type { PaddingSpec, TruncationSpec } from '../tokenizer/schema.ts';
import { parseTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { readText, textError } from '../utf8.ts';
import type { TextRow } from './applied-text.ts';
import { emptyPast, isPast, USE_CACHE } from './decoder-inputs.ts';
import { type Applied, fitType, misfit, type RecipeContext, type RecipeKind } from './kind.ts';
import type { TextInputs, TextRecipe } from './text-schema.ts';

export const textKind: RecipeKind<TextRecipe> = { apply: applyText };

async function applyText(recipe: TextRecipe, raw: Uint8Array, { inputs, files }: RecipeContext): Promise<Applied> {
  const named = findTextInputs(recipe.inputs, inputs);
  const tokenizer = await files.load(recipe.tokenize.tokenizer, MAX_TOKENIZER_BYTES, parseTokenizer);
  const rows = filled(
    textsOf(recipe, readText(raw)).map((texts) => ({ texts, tokens: tokensOf(recipe, tokenizer, texts, fixedLength(named.ids)) })),
    recipe,
    tokenizer,
    fixedLength(named.ids),
  );
  const length = rows[0]?.tokens.length ?? 0;
  if (length === 0)
    throw textError('text.empty', 'The text has no token.', { hint: 'Give some text, or let the recipe put a token before it (tokenize: before).' });
  if (rows.length * length > MAX_TEXT_ELEMENTS)
    throw textError('text.too-long', 'The texts have too many tokens.', { expected: `at most ${MAX_TEXT_ELEMENTS}`, found: `${rows.length} x ${length}` });
  return {
    feeds: textFeeds(
      rows.map((row) => row.tokens),
      named,
      inputs,
    ),
    text: { tokenizer, rows },
    ...(recipe.texts === 'several' && { rows: rows.length }),
  };
}

/** The texts of each row. */
function textsOf({ texts }: TextRecipe, text: string): string[][] {
  if (texts === 'one') return [[text]];
  if (texts === 'pair') {
    const at = text.indexOf('\n');
    if (at < 0)
      throw textError('text.no-pair', 'The recipe takes two texts, and there is only one.', {
        hint: 'The first line is the first text, all that follows the second.',
      });
    return [[text.slice(0, at).replace(/\r$/, ''), text.slice(at + 1)]];
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw textError('text.empty', 'There is no text.', { hint: 'Give one text a line.' });
  if (lines.length > MAX_TEXTS) throw textError('text.too-many', 'There are too many texts.', { expected: `at most ${MAX_TEXTS}`, found: `${lines.length}` });
  return lines.map((line) => [line]);
}

function tokensOf({ tokenize }: TextRecipe, tokenizer: Tokenizer, texts: readonly string[], fixed: number | undefined): EncodedToken[] {
  const own = tokenizer.truncation;
  const most = tokenize.maxLength ?? fixed ?? own?.max_length;
  const special = (names: readonly string[]) => names.map((name) => specialToken(idOf(tokenizer, name), name, 0));
  const truncation: TruncationSpec | null =
    most === undefined || tokenize.truncation === 'none'
      ? null
      : {
          max_length: most,
          direction: tokenize.truncateSide ? (tokenize.truncateSide === 'left' ? 'Left' : 'Right') : (own?.direction ?? 'Right'),
          strategy: { 'longest-first': 'LongestFirst' as const, first: 'OnlyFirst' as const, second: 'OnlySecond' as const }[tokenize.truncation],
        };
  const tokens = tokenizer.encode(texts[0] ?? '', texts[1], {
    addSpecial: tokenize.specialTokens,
    truncation,
    padding: null,
    around: { before: special(tokenize.before), after: special(tokenize.after) },
  });
  if (most !== undefined && tokens.length > most)
    throw textError('text.too-long', 'The text has more tokens than the model takes.', {
      expected: `at most ${most}`,
      found: `${tokens.length}`,
      hint: 'Give a shorter text.',
    });
  return tokens;
}

/** All rows of one length. */
function filled(rows: TextRow[], { tokenize }: TextRecipe, tokenizer: Tokenizer, fixed: number | undefined): TextRow[] {
  const longest = Math.max(...rows.map((row) => row.tokens.length));
  const own = tokenizer.padding;
  const ownLength = own && own.strategy !== 'BatchLongest' ? own.strategy.Fixed : longest;
  const length =
    fixed ??
    (tokenize.padding === undefined
      ? ownLength
      : tokenize.padding === 'max-length'
        ? (tokenize.maxLength ?? tokenizer.truncation?.max_length ?? ownLength)
        : longest);
  // A tokenizer's own multiple counts where the recipe says nothing.
  const multiple = fixed === undefined && tokenize.padding === undefined ? own?.pad_to_multiple_of : undefined;
  const spec: PaddingSpec = {
    strategy: 'BatchLongest',
    direction: tokenize.padSide ? (tokenize.padSide === 'left' ? 'Left' : 'Right') : (own?.direction ?? 'Right'),
    pad_to_multiple_of: multiple ?? null,
    pad_id: own?.pad_id ?? 0,
    pad_type_id: own?.pad_type_id ?? 0,
    pad_token: own?.pad_token ?? '',
  };
  return rows.map((row) => {
    const tokens = pad(row.tokens, Math.max(length, longest), spec);
    if (tokens.length === row.tokens.length || (own && tokenize.padToken === undefined)) return { ...row, tokens };
    const name = tokenize.padToken ?? ['[PAD]', '<pad>'].find((one) => tokenizer.idOf(one) !== undefined) ?? '';
    return { ...row, tokens: pad(row.tokens, Math.max(length, longest), { ...spec, pad_id: idOf(tokenizer, name), pad_token: name }) };
  });
}

function idOf(tokenizer: Tokenizer, name: string): number {
  const id = tokenizer.idOf(name);
  if (id !== undefined) return id;
  throw textError(
    'text.no-such-token',
    name === '' ? 'The tokenizer does not say what to fill up with.' : 'The recipe names a token the tokenizer does not have.',
    {
      ...(name !== '' && { found: name }),
      hint: name === '' ? 'Name a token in the recipe (tokenize: padToken).' : 'Tokens are written as they stand in tokenizer.json.',
    },
  );
}

/** The inputs of the model that a text feeds. */
export interface NamedInputs {
  ids: TensorInfo;
  attentionMask?: TensorInfo | undefined;
  typeIds?: TensorInfo | undefined;
  positionIds?: TensorInfo | undefined;
}

const USUAL: Record<keyof TextInputs, string> = {
  ids: 'input_ids',
  attentionMask: 'attention_mask',
  typeIds: 'token_type_ids',
  positionIds: 'position_ids',
};

/** @throws recipe.does-not-fit when the model has not what the recipe names */
export function findTextInputs(names: TextInputs, inputs: readonly TensorInfo[]): NamedInputs {
  const find = (key: keyof TextInputs) => {
    const name = names[key];
    const input = inputs.find((i) => i.name === (name ?? USUAL[key]));
    if (!input && name !== undefined) throw misfit('The recipe names an input the model does not have.', inputs.map((i) => i.name).join(', '), name);
    return input;
  };
  const others = [names.attentionMask, names.typeIds, names.positionIds];
  const only = inputs.length === 1 && !others.includes(inputs[0]?.name) ? inputs[0] : undefined;
  const ids = find('ids') ?? only;
  if (!ids)
    throw misfit('The recipe does not say which input of the model the token ids go to.', inputs.map((i) => i.name).join(', '), 'inputs: ids is missing');
  return { ids, attentionMask: find('attentionMask'), typeIds: find('typeIds'), positionIds: find('positionIds') };
}

/** How many tokens the model's input is fixed to. */
export function fixedLength({ dims }: TensorInfo): number | undefined {
  const last = dims.at(-1);
  return typeof last === 'number' && last > 0 ? last : undefined;
}

/**
 * Rows of equal length as tensors of the types the inputs have. A decoder's memory of earlier tokens begins empty.
 * @param past how many tokens the model already remembers, which the mask and the positions count too
 */
export function textFeeds(rows: readonly (readonly EncodedToken[])[], named: NamedInputs, inputs: readonly TensorInfo[], past = 0): Record<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  const put = (input: TensorInfo | undefined, valuesOf: (tokens: readonly EncodedToken[]) => number[]) => {
    if (!input) return;
    const values = rows.map(valuesOf);
    const width = values[0]?.length ?? 0;
    const dims = input.dims.length === 1 && rows.length === 1 ? [width] : [rows.length, width];
    feeds.set(input.name, fitType(makeTensor('float64', dims, Float64Array.from(values.flat())), input));
  };
  put(named.ids, (tokens) => tokens.map((token) => token.id));
  put(named.attentionMask, (tokens) => [...new Array<number>(past).fill(1), ...tokens.map((token) => (token.attended ? 1 : 0))]);
  put(named.typeIds, (tokens) => tokens.map((token) => token.type));
  put(named.positionIds, (tokens) => {
    let next = past;
    return tokens.map((token) => (token.attended ? next++ : Math.max(0, next - 1)));
  });
  for (const input of inputs) {
    if (feeds.has(input.name)) continue;
    if (isPast(input.name)) feeds.set(input.name, emptyPast(input, rows.length));
    else if (input.name === USE_CACHE) feeds.set(input.name, makeTensor('bool', [1], Uint8Array.of(past > 0 ? 1 : 0)));
  }
  return Object.fromEntries(feeds);
}
