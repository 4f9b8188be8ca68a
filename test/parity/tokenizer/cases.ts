/** Texts with what Python's `tokenizers` made of them. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Tokenizer } from '#core/datasets';

export interface Case {
  text: string;
  pair?: string;
  ids: number[];
  offsets: number[];
  types: number[];
  mask: number[];
  words: number[];
  decoded: string;
  whole: string;
}

export function readCases(path: string): { tokenizer: Tokenizer; cases: Case[] } {
  const { tokenizer, cases } = JSON.parse(readFileSync(path, 'utf8')) as { tokenizer: unknown; cases: Case[] };
  return { tokenizer: Tokenizer.parse(Buffer.from(JSON.stringify(tokenizer))), cases };
}

export function expectSame(tokenizer: Tokenizer, { text, pair, ...want }: Case): void {
  const tokens = tokenizer.encode(text, pair);
  expect({
    text,
    ids: tokens.map((t) => t.id),
    offsets: tokens.flatMap((t) => [t.from, t.to]),
    types: tokens.map((t) => t.type),
    mask: tokens.map((t) => Number(t.attended)),
    words: tokens.map((t) => t.word ?? -1),
    decoded: tokenizer.decode(want.ids),
    whole: tokenizer.decode(want.ids, false),
  }).toEqual({ text, ...want });
}
