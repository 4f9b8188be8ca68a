/** The second stage: the text cut into words, which the model then cuts into tokens. */
import { type AlignedText, spansOf } from './aligned-text.ts';
import type { Budget } from './budget.ts';
import { byteChars } from './byte-chars.ts';
import { makePattern } from './normalizers.ts';
import { isNumeric, isPunctuation, isRustWord, isWhitespace } from './pattern/char-set.ts';
import { Pattern, type Span } from './pattern/pattern.ts';
import type { PreTokenizerSpec } from './schema.ts';

/** One piece of text to pieces. */
export type PreTokenize = (text: AlignedText, budget: Budget) => AlignedText[];

/** GPT-2's pattern: contractions, words, numbers and signs with the space before them, and runs of spaces. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const SPACE = 0x20;

/** @throws tokenizer.malformed, tokenizer.unsupported (input) */
export function makePreTokenizer(spec: PreTokenizerSpec): PreTokenize {
  switch (spec.type) {
    case 'Sequence': {
      const all = spec.pretokenizers.map(makePreTokenizer);
      return (text, budget) => all.reduce((pieces, cut) => pieces.flatMap((piece) => cut(piece, budget)).filter((piece) => piece.length > 0), [text]);
    }
    case 'ByteLevel': {
      const pattern = spec.use_regex ? Pattern.parse(GPT2) : undefined;
      return (text, budget) => {
        const whole = spec.add_prefix_space && text.codes[0] !== SPACE ? text.prepend(' ') : text;
        const pieces = pattern ? whole.split(pattern.findAll(whole.codes, budget), 'Isolated') : [whole];
        return pieces.map((piece) => piece.flatMap(byteChars));
      };
    }
    case 'BertPreTokenizer':
      return (text) => text.split(spansOf(text.codes, isWhitespace), 'Removed').flatMap((word) => word.split(spansOf(word.codes, isPunctuation), 'Isolated'));
    case 'Whitespace':
      return (text) => text.split(wordsAndSigns(text.codes), 'Removed', true);
    case 'WhitespaceSplit':
      return (text) => text.split(spansOf(text.codes, isWhitespace), 'Removed');
    case 'Metaspace':
      return (text) => metaspace(text, spec);
    case 'Split': {
      const pattern = makePattern(spec.pattern);
      return (text, budget) => text.split(pattern.findAll(text.codes, budget), spec.behavior, spec.invert);
    }
    case 'Punctuation':
      return (text) => text.split(spansOf(text.codes, isPunctuation), spec.behavior);
    case 'Digits':
      return (text) => text.split(spansOf(text.codes, isNumeric), spec.individual_digits ? 'Isolated' : 'Contiguous');
    case 'CharDelimiterSplit':
      return (text) => text.split(spansOf(text.codes, is(spec.delimiter)), 'Removed');
    case 'FixedLength':
      return (text) => Array.from({ length: Math.ceil(text.length / spec.length) }, (_, i) => text.slice(i * spec.length, (i + 1) * spec.length));
  }
}

function is(char: string): (code: number) => boolean {
  const wanted = char.codePointAt(0);
  return (code) => code === wanted;
}

/** Runs of word characters, and runs of what is neither that nor space. */
function wordsAndSigns(codes: readonly number[]): Span[] {
  const kind = (code: number) => (isRustWord(code) ? 'word' : isWhitespace(code) ? 'space' : 'sign');
  const spans: Span[] = [];
  for (let from = 0; from < codes.length; ) {
    const first = kind(codes[from] ?? 0);
    let to = from + 1;
    while (to < codes.length && kind(codes[to] ?? 0) === first) to++;
    if (first !== 'space') spans.push([from, to]);
    from = to;
  }
  return spans;
}

/** Spaces become a visible sign, which belongs to the word after it; the first word may get one too. */
function metaspace(text: AlignedText, spec: Extract<PreTokenizerSpec, { type: 'Metaspace' }>): AlignedText[] {
  const isSign = is(spec.replacement);
  let marked = text.replace(spansOf(text.codes, is(' ')), spec.replacement);
  const wanted = spec.prepend_scheme === 'always' || (spec.prepend_scheme === 'first' && marked.from[0] === 0);
  if (wanted && !isSign(marked.codes[0] ?? -1)) marked = marked.prepend(spec.replacement);
  return spec.split ? marked.split(spansOf(marked.codes, isSign), 'MergedWithNext') : [marked];
}
