/** The stage after the model: special tokens around and between the texts, segment numbers, offsets without the spaces. */
import { SPACE_CHAR } from './byte-chars.ts';
import { type EncodedToken, specialToken } from './encoding.ts';
import { malformed } from './errors.ts';
import { isWhitespace } from './pattern/char-set.ts';
import type { ProcessorSpec } from './schema.ts';

export interface PostProcessor {
  /** How many tokens it adds, which truncation has to leave room for. */
  added(pair: boolean): number;
  /** @param parts one or two texts; what comes out is joined in order */
  process(parts: EncodedToken[][], addSpecial: boolean): EncodedToken[][];
}

/** @throws tokenizer.malformed (input) */
export function makePostProcessor(spec: ProcessorSpec): PostProcessor {
  switch (spec.type) {
    case 'Sequence': {
      const all = spec.processors.map(makePostProcessor);
      return {
        added: (pair) => all.reduce((sum, one) => sum + one.added(pair), 0),
        process: (parts, addSpecial) => all.reduce((current, one) => one.process(current, addSpecial), parts),
      };
    }
    case 'ByteLevel':
      return { added: () => 0, process: (parts) => (spec.trim_offsets ? parts.map((part) => trimmed(part, spec.add_prefix_space)) : parts) };
    case 'BertProcessing':
      return {
        added: (pair) => (pair ? 3 : 2),
        process: (parts, addSpecial) => (addSpecial ? parts.map((part, i) => surrounded(part, spec, i === 0 ? 'both' : 'after', i === 0 ? 0 : 1)) : parts),
      };
    case 'RobertaProcessing':
      return {
        added: (pair) => (pair ? 4 : 2),
        process: (parts, addSpecial) => {
          const flat = parts.map((part) => (spec.trim_offsets ? trimmed(part, spec.add_prefix_space) : part).map((token) => ({ ...token, type: 0 })));
          return addSpecial ? flat.map((part, i) => surrounded(part, i === 0 ? spec : { cls: spec.sep, sep: spec.sep }, 'both', 0)) : flat;
        },
      };
    case 'TemplateProcessing':
      return template(spec);
  }
}

type Named = readonly [text: string, id: number];

function surrounded(part: EncodedToken[], { cls, sep }: { cls: Named; sep: Named }, where: 'both' | 'after', type: number): EncodedToken[] {
  const token = ([text, id]: Named) => specialToken(id, text, type);
  return [...(where === 'both' ? [token(cls)] : []), ...part, token(sep)];
}

function template(spec: Extract<ProcessorSpec, { type: 'TemplateProcessing' }>): PostProcessor {
  for (const piece of [...spec.single, ...spec.pair]) {
    if ('SpecialToken' in piece && !spec.special_tokens.has(piece.SpecialToken.id))
      throw malformed('its template speaks of a special token that it does not define.', { found: piece.SpecialToken.id.slice(0, 60) });
  }
  const added = (pieces: typeof spec.single) =>
    pieces.reduce((sum, piece) => sum + ('SpecialToken' in piece ? (spec.special_tokens.get(piece.SpecialToken.id)?.ids.length ?? 0) : 0), 0);
  return {
    added: (pair) => added(pair ? spec.pair : spec.single),
    process: (parts, addSpecial) =>
      (parts.length > 1 ? spec.pair : spec.single).map((piece) => {
        if ('Sequence' in piece) {
          const { id, type_id } = piece.Sequence;
          return (parts[id === 'A' ? 0 : 1] ?? []).map((token) => ({ ...token, type: type_id }));
        }
        const token = addSpecial ? spec.special_tokens.get(piece.SpecialToken.id) : undefined;
        return (token?.ids ?? []).map((id, i) => specialToken(id, token?.tokens[i] ?? '', piece.SpecialToken.type_id));
      }),
  };
}

/** Offsets without the spaces that byte-level tokens begin or end with. */
function trimmed(part: EncodedToken[], addedPrefix: boolean): EncodedToken[] {
  const isSpace = (char: string) => char.codePointAt(0) === SPACE_CHAR || isWhitespace(char.codePointAt(0) ?? 0);
  return part.map((token, i) => {
    const chars = [...token.text];
    const solid = (list: readonly string[]) => {
      const first = list.findIndex((char) => !isSpace(char));
      return first < 0 ? list.length : first;
    };
    let leading = solid(chars);
    const trailing = solid(chars.toReversed());
    // The space that was put before the first word takes no place in the text.
    if (leading === 1 && addedPrefix && (i === 0 || token.from === 0)) leading = 0;
    const from = Math.min(token.from + leading, token.to);
    const to = trailing > 0 && token.to >= trailing ? Math.max(token.to - trailing, from) : token.to;
    return { ...token, from, to };
  });
}
