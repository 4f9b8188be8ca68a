/**
 * Finds the places in a text that a pattern matches, leftmost first, as Oniguruma does: by trying and going back. JavaScript's
 * own engine is not used because it cannot be stopped, and a pattern of a few characters can keep it busy for ever.
 */
import type { Budget } from '../budget.ts';
import { isOnigWord } from './char-set.ts';
import { compile, type Step } from './compile.ts';
import { literalPattern, parsePattern } from './parse.ts';
import type { Anchor, Node } from './syntax.ts';

/** Half open, in code points. */
export type Span = readonly [from: number, to: number];

const LINE_BREAK = 10;
/** A place to go back to takes three numbers: step, position, and how far the position may still move. */
const ENTRY = 3;
/** Steps between two looks at the budget. */
const STEPS_PER_LOOK = 10_000;

export class Pattern {
  readonly #steps: readonly Step[];

  private constructor(node: Node) {
    this.#steps = compile(node);
  }

  /** @throws tokenizer.malformed, tokenizer.unsupported (input) */
  static parse(source: string): Pattern {
    return new Pattern(parsePattern(source));
  }

  static literal(text: string): Pattern {
    return new Pattern(literalPattern(text));
  }

  /**
   * All matches, in order, none overlapping; an empty one never directly behind another.
   * @throws tokenizer.too-costly
   */
  findAll(codes: readonly number[], budget: Budget): Span[] {
    const found: Span[] = [];
    let lastEnd = -1;
    for (let from = 0; from <= codes.length; ) {
      const end = match(this.#steps, codes, from, budget);
      if (end < 0 || (end === from && end === lastEnd)) {
        from++;
        continue;
      }
      found.push([from, end]);
      lastEnd = end;
      from = end;
    }
    return found;
  }
}

/**
 * @param mustEnd the match counts only when it ends there
 * @returns where the match ends, or -1
 */
function match(steps: readonly Step[], codes: readonly number[], start: number, budget: Budget, mustEnd?: number): number {
  const stack: number[] = [];
  const registers: number[] = [];
  let pc = 0;
  let at = start;
  let spent = 1;
  for (;;) {
    const step = steps[pc];
    let ok = true;
    if (++spent > STEPS_PER_LOOK) {
      budget.spend(spent);
      spent = 0;
    }
    switch (step?.op) {
      case undefined:
      case 'done':
        ok = mustEnd === undefined || at === mustEnd;
        if (!ok) break;
        budget.spend(spent);
        return at;
      case 'char':
        ok = at < codes.length && step.test(codes[at] ?? 0);
        at++;
        pc++;
        break;
      case 'run': {
        const most = Math.min(codes.length, at + step.max);
        const least = at + step.min;
        const until = step.mode === 'lazy' ? Math.min(least, most) : most;
        let end = at;
        while (end < until && step.test(codes[end] ?? 0)) end++;
        spent += end - at;
        ok = end >= least;
        if (ok && step.mode === 'greedy' && end > least) stack.push(pc + 1, end - 1, least);
        if (ok && step.mode === 'lazy' && end < most) stack.push(pc, end, -1 - most);
        at = end;
        pc++;
        break;
      }
      case 'fork':
        stack.push(step.second, at, at);
        pc = step.first;
        break;
      case 'jump':
        pc = step.to;
        break;
      case 'atomic': {
        budget.spend(spent);
        spent = 0;
        const end = match(step.steps, codes, at, budget);
        ok = end >= 0;
        at = end;
        pc++;
        break;
      }
      case 'look': {
        budget.spend(spent);
        spent = 0;
        ok = looks(step, codes, at, budget) !== step.negative;
        pc++;
        break;
      }
      case 'anchor':
        ok = holds(step.anchor, codes, at);
        pc++;
        break;
      case 'mark':
        stack.push(-1 - step.register, registers[step.register] ?? -1, 0);
        registers[step.register] = at;
        pc++;
        break;
      case 'progress':
        // A turn that took nothing is the last one: out of the loop, past the jump back.
        pc += registers[step.register] === at ? 2 : 1;
        break;
    }
    if (ok) continue;
    // Back to the last place that had another way to go.
    for (;;) {
      if (stack.length < ENTRY) {
        budget.spend(spent);
        return -1;
      }
      const limit = stack.pop() ?? 0;
      at = stack.pop() ?? 0;
      pc = stack.pop() ?? 0;
      spent++;
      if (pc < 0) {
        registers[-1 - pc] = at;
        continue;
      }
      if (limit < 0) {
        // A lazy run takes one more.
        const run = steps[pc];
        if (run?.op !== 'run' || !run.test(codes[at] ?? 0)) continue;
        at++;
        if (at < -1 - limit) stack.push(pc, at, limit);
        pc++;
      } else if (at > limit) stack.push(pc, at - 1, limit);
      break;
    }
  }
}

function looks(step: Extract<Step, { op: 'look' }>, codes: readonly number[], at: number, budget: Budget): boolean {
  if (!step.lengths) return match(step.steps, codes, at, budget) >= 0;
  return step.lengths.some((length) => at - length >= 0 && match(step.steps, codes, at - length, budget, at) >= 0);
}

function holds(anchor: Anchor, codes: readonly number[], at: number): boolean {
  const end = codes.length;
  switch (anchor) {
    case 'line-start':
      return at === 0 || (codes[at - 1] === LINE_BREAK && at < end);
    case 'line-end':
      return at === end || codes[at] === LINE_BREAK;
    case 'text-start':
      return at === 0;
    case 'text-end':
      return at === end;
    case 'text-end-or-newline':
      return at === end || (at === end - 1 && codes[at] === LINE_BREAK);
    default: {
      const before = at > 0 && isOnigWord(codes[at - 1] ?? 0);
      const after = at < end && isOnigWord(codes[at] ?? 0);
      return (before !== after) === (anchor === 'word-edge');
    }
  }
}
