/** From tokens back to text. */
import type { Budget } from './budget.ts';
import { codesOf, textOf } from './aligned-text.ts';
import { bytesOf } from './byte-chars.ts';
import { makePattern } from './normalizers.ts';
import type { DecoderSpec } from './schema.ts';

/** A list of tokens to a list of texts, which are joined in the end. */
export type Decode = (tokens: readonly string[], budget: Budget) => string[];

/** @throws tokenizer.malformed, tokenizer.unsupported (input) */
export function makeDecoder(spec: DecoderSpec): Decode {
  switch (spec.type) {
    case 'Sequence': {
      const all = spec.decoders.map(makeDecoder);
      return (tokens, budget) => all.reduce((current, decode) => decode(current, budget), [...tokens]);
    }
    case 'ByteLevel':
      return (tokens) => [lenient(tokens.flatMap((token) => bytesOf(token) ?? [...Buffer.from(token)]))];
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Metaspace':
      return (tokens) => tokens.map((token, i) => token.replaceAll(spec.replacement, i === 0 && spec.prepend_scheme !== 'never' ? '' : ' '));
    case 'Replace': {
      const pattern = makePattern(spec.pattern);
      return (tokens, budget) =>
        tokens.map((token) => {
          const codes = codesOf(token);
          let [text, at] = ['', 0];
          for (const [from, to] of pattern.findAll(codes, budget)) {
            text += textOf(codes, at, from) + spec.content;
            at = to;
          }
          return text + textOf(codes, at);
        });
    }
    case 'Strip':
      return (tokens) => tokens.map((token) => stripped([...token], spec.content, spec.start, spec.stop));
    case 'WordPiece':
      return (tokens) =>
        tokens.map((token, i) => {
          const text = i === 0 ? token : spec.prefix !== '' && token.startsWith(spec.prefix) ? token.slice(spec.prefix.length) : ` ${token}`;
          return spec.cleanup ? tidied(text) : text;
        });
    case 'BPEDecoder':
      return (tokens) => tokens.map((token, i) => token.replaceAll(spec.suffix, i === tokens.length - 1 ? '' : ' '));
    case 'CTC':
      return (tokens) =>
        tokens
          .filter((token, i) => token !== tokens[i - 1])
          .map((token) => token.replaceAll(spec.pad_token, ''))
          .map((token) => (spec.cleanup ? tidied(token).replaceAll(spec.word_delimiter_token, ' ') : token))
          .filter((token) => token !== '');
  }
}

/** Spaces before signs and in English contractions taken away. */
function tidied(text: string): string {
  const pairs = [
    [' .', '.'],
    [' ?', '?'],
    [' !', '!'],
    [' ,', ','],
    [" ' ", "'"],
    [" n't", "n't"],
    [" 'm", "'m"],
    [' do not', " don't"],
    [" 's", "'s"],
    [" 've", "'ve"],
    [" 're", "'re"],
  ] as const;
  return pairs.reduce((current, [from, to]) => current.replaceAll(from, to), text);
}

function stripped(chars: readonly string[], content: string, start: number, stop: number): string {
  let [from, to] = [0, chars.length];
  while (from < Math.min(start, chars.length) && chars[from] === content) from++;
  while (to > Math.max(0, chars.length - stop) && chars[to - 1] === content) to--;
  return chars.slice(from, Math.max(from, to)).join('');
}

/** Runs of <0xNN> become the text their bytes are, or one replacement character for each byte when they are none. */
function byteFallback(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) out.push(...(strict(bytes) ?? bytes.map(() => '\ufffd')));
    bytes = [];
  };
  for (const token of tokens) {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16));
      continue;
    }
    flush();
    out.push(token);
  }
  flush();
  return out;
}

/** With a replacement character where bytes are no UTF-8. */
function lenient(bytes: readonly number[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

function strict(bytes: readonly number[]): [string] | undefined {
  try {
    return [new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(Uint8Array.from(bytes))];
  } catch {
    return undefined;
  }
}
