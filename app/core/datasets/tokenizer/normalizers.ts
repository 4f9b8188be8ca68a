/** The first stage: the text made uniform before it is cut. */
import type { AlignedText, Change } from './aligned-text.ts';
import type { Budget } from './budget.ts';
import { byteChars } from './byte-chars.ts';
import { Charsmap } from './charsmap.ts';
import { isControlLike, isMark, isNonspacingMark, isWhitespace } from './pattern/char-set.ts';
import { Pattern } from './pattern/pattern.ts';
import type { NormalizerSpec, PatternSpec } from './schema.ts';
import { toForm } from './unicode-forms.ts';

export type Normalize = (text: AlignedText, budget: Budget) => AlignedText;

const SPACE = 0x20;

/** @throws tokenizer.malformed, tokenizer.unsupported (input) */
export function makeNormalizer(spec: NormalizerSpec): Normalize {
  switch (spec.type) {
    case 'Sequence': {
      const all = spec.normalizers.map(makeNormalizer);
      return (text, budget) => all.reduce((current, normalize) => normalize(current, budget), text);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text, budget) => toForm(text, spec.type, budget);
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return (text) => text.filter((code) => !isMark(code));
    case 'Strip':
      return (text) => strip(text, spec.strip_left, spec.strip_right);
    case 'Prepend':
      return (text) => text.prepend(spec.prepend);
    case 'Replace': {
      const pattern = makePattern(spec.pattern);
      return (text, budget) => text.replace(pattern.findAll(text.codes, budget), spec.content);
    }
    case 'BertNormalizer':
      return (text, budget) => bert(text, spec, budget);
    case 'Nmt':
      return nmt;
    case 'ByteLevel':
      return (text) => text.flatMap(byteChars);
    case 'Precompiled': {
      const map = new Charsmap(spec.precompiled_charsmap);
      return (text) => map.apply(text);
    }
  }
}

export function makePattern(spec: PatternSpec): Pattern {
  return 'Regex' in spec ? Pattern.parse(spec.Regex) : Pattern.literal(spec.String);
}

/** Letter by letter, whatever stands beside it. */
function lowercase(text: AlignedText): AlignedText {
  return text.flatMap((code) => (code < 0x80 ? [code >= 0x41 && code <= 0x5a ? code + 32 : code] : [...String.fromCodePoint(code).toLowerCase()].map(codeOf)));
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}

function strip(text: AlignedText, left: boolean, right: boolean): AlignedText {
  let [from, to] = [0, text.length];
  if (left) while (from < to && isWhitespace(text.codes[from] ?? 0)) from++;
  if (right) while (to > from && isWhitespace(text.codes[to - 1] ?? 0)) to--;
  return text.slice(from, to);
}

function bert(text: AlignedText, spec: Extract<NormalizerSpec, { type: 'BertNormalizer' }>, budget: Budget): AlignedText {
  let current = text;
  if (spec.clean_text) {
    const isLineOrTab = (code: number) => code === 9 || code === 10 || code === 13;
    current = current
      .filter((code) => code !== 0 && code !== 0xfffd && (isLineOrTab(code) || !isControlLike(code)))
      .flatMap((code) => [isWhitespace(code) ? SPACE : code]);
  }
  if (spec.handle_chinese_chars)
    current = current.transform(
      current.codes.flatMap((code): Change[] =>
        isChinese(code)
          ? [
              [SPACE, 0],
              [code, 1],
              [SPACE, 1],
            ]
          : [[code, 0]],
      ),
    );
  if (spec.strip_accents ?? spec.lowercase) current = toForm(current, 'NFD', budget).filter((code) => !isNonspacingMark(code));
  return spec.lowercase ? lowercase(current) : current;
}

/** The blocks that BERT calls Chinese: ideographs, not Japanese kana nor Korean. */
const CHINESE: readonly (readonly [number, number])[] = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

function isChinese(code: number): boolean {
  return code >= 0x3400 && CHINESE.some(([low, high]) => code >= low && code <= high);
}

/** What machine translation toolkits throw away, and what they take for a space. */
function nmt(text: AlignedText): AlignedText {
  const dropped = (c: number) => (c >= 1 && c <= 8) || c === 0xb || (c >= 0xe && c <= 0x1f) || c === 0x7f || c === 0x8f || c === 0x9f;
  const spaces = new Set([9, 10, 12, 13, 0x1680, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x2581, 0xfeff, 0xfffd]);
  return text.filter((code) => !dropped(code)).flatMap((code) => [spaces.has(code) ? SPACE : code]);
}
