/**
 * Unicode's normal forms with the place each character came from. The forms are JavaScript's own; which of the old characters
 * became which of the new is found by taking the text apart character by character and looking for the pieces again.
 */
import type { AlignedText, Change } from './aligned-text.ts';
import { codesOf, textOf } from './aligned-text.ts';
import type { Budget } from './budget.ts';
import { isMark } from './pattern/char-set.ts';

export type Form = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** Putting marks in order takes the square of their number; so many are moved in the time of one step. */
const MOVES_PER_STEP = 64;

/** @throws tokenizer.too-costly for marks beyond all measure on one letter */
export function toForm(text: AlignedText, form: Form, budget: Budget): AlignedText {
  let run = 0;
  for (const code of text.codes) {
    run = joinsOnto(code) ? run + 1 : 0;
    if (run % MOVES_PER_STEP === MOVES_PER_STEP - 1) budget.spend(run);
  }
  const whole = text.toString();
  if (whole.normalize(form) === whole) return text;
  const apart = form === 'NFKC' || form === 'NFKD' ? 'NFKD' : 'NFD';
  const flat = text.codes.flatMap((code) => decomposed(code, apart).map((c, i): Change => [c, i === 0 ? 0 : 1]));
  const changes: Change[] = [];
  for (let from = 0; from < flat.length; ) {
    let to = from + 1;
    while (to < flat.length && joinsOnto(flat[to]?.[0] ?? 0)) to++;
    for (const change of reformed(flat.slice(from, to), form)) changes.push(change);
    from = to;
  }
  return text.transform(changes);
}

/** Whether a character may move past, or melt into, the one before it: marks, and the later letters of Korean syllables. */
function joinsOnto(code: number): boolean {
  return isMark(code) || (code >= 0x1161 && code <= 0x11ff);
}

/** One character and what joins onto it, put in order and together. */
function reformed(run: readonly Change[], form: Form): Change[] {
  if (run.length === 1) return [...run];
  const text = textOf(run.map(([code]) => code));
  const composes = form === 'NFC' || form === 'NFKC';
  const waiting = new Map<number, number[]>();
  for (const [code, change] of run) {
    const queue = waiting.get(code);
    if (queue) queue.push(change);
    else waiting.set(code, [change]);
  }
  for (const queue of waiting.values()) queue.reverse();
  return codesOf(text.normalize(composes ? 'NFC' : 'NFD')).map((code): Change => {
    // What melts into another character is one the new text has less.
    const changes = (composes ? decomposed(code, 'NFD') : [code]).map((part) => waiting.get(part)?.pop() ?? 0);
    return [code, changes.reduce((sum, change) => sum + change, 1 - changes.length)];
  });
}

function decomposed(code: number, form: 'NFD' | 'NFKD'): readonly number[] {
  return code < 0x80 ? [code] : codesOf(String.fromCodePoint(code).normalize(form));
}
