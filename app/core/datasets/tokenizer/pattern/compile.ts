/** From a pattern's tree to the steps the matcher takes. */
import { MAX_PATTERN_STEPS } from '../../limits.ts';
import { malformed, unsupported } from '../errors.ts';
import type { CharTest } from './char-set.ts';
import type { Anchor, Mode, Node } from './syntax.ts';

export type Step =
  | { op: 'char'; test: CharTest }
  /** A run of one set: far quicker than step by step, and by far the most common repetition. */
  | { op: 'run'; test: CharTest; min: number; max: number; mode: Mode }
  /** Goes on at `first`; when that fails, at `second`. */
  | { op: 'fork'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { op: 'look'; steps: Step[]; lengths: number[] | undefined; negative: boolean }
  | { op: 'atomic'; steps: Step[] }
  | { op: 'anchor'; anchor: Anchor }
  /** Notes where a turn of a loop began; `progress` leaves the loop when the turn took nothing. */
  | { op: 'mark'; register: number }
  | { op: 'progress'; register: number }
  | { op: 'done' };

/** @throws tokenizer.malformed when it becomes too large, tokenizer.unsupported */
export function compile(node: Node): Step[] {
  const compiler = new Compiler();
  return compiler.program(node);
}

class Compiler {
  /** Over all programs, those inside lookarounds too. */
  #total = 0;

  program(node: Node): Step[] {
    const steps: Step[] = [];
    this.#emit(node, steps);
    this.#add(steps, { op: 'done' });
    return steps;
  }

  #add(steps: Step[], step: Step): number {
    if (++this.#total > MAX_PATTERN_STEPS) throw malformed('a pattern becomes too large.', { expected: `at most ${MAX_PATTERN_STEPS} steps` });
    return steps.push(step) - 1;
  }

  #emit(node: Node, steps: Step[]): void {
    switch (node.kind) {
      case 'char':
        this.#add(steps, { op: 'char', test: node.test });
        return;
      case 'sequence':
        for (const item of node.items) this.#emit(item, steps);
        return;
      case 'choice':
        this.#choice(node.items, steps);
        return;
      case 'repeat':
        this.#repeat(node, steps);
        return;
      case 'atomic':
        this.#add(steps, { op: 'atomic', steps: this.program(node.item) });
        return;
      case 'look':
        this.#add(steps, {
          op: 'look',
          steps: this.program(node.item),
          lengths: node.behind ? [...lengthsOf(node.item)] : undefined,
          negative: node.negative,
        });
        return;
      case 'anchor':
        this.#add(steps, { op: 'anchor', anchor: node.anchor });
        return;
    }
  }

  #choice(items: readonly Node[], steps: Step[]): void {
    const jumps: { op: 'jump'; to: number }[] = [];
    items.forEach((item, i) => {
      const last = i === items.length - 1;
      const fork = { op: 'fork' as const, first: 0, second: 0 };
      if (!last) fork.first = this.#add(steps, fork) + 1;
      this.#emit(item, steps);
      if (last) return;
      const jump = { op: 'jump' as const, to: 0 };
      this.#add(steps, jump);
      jumps.push(jump);
      fork.second = steps.length;
    });
    for (const jump of jumps) jump.to = steps.length;
  }

  #repeat({ item, min, max, mode }: Extract<Node, { kind: 'repeat' }>, steps: Step[]): void {
    const only = item.kind === 'sequence' && item.items.length === 1 ? item.items[0] : item;
    if (only?.kind === 'char') {
      this.#add(steps, { op: 'run', test: only.test, min, max, mode });
      return;
    }
    if (mode === 'possessive') {
      this.#add(steps, { op: 'atomic', steps: this.program({ kind: 'repeat', item, min, max, mode: 'greedy' }) });
      return;
    }
    for (let i = 0; i < min; i++) this.#emit(item, steps);
    if (max === Number.POSITIVE_INFINITY) this.#loop(item, mode, steps);
    else {
      const forks: { op: 'fork'; first: number; second: number }[] = [];
      for (let i = min; i < max; i++) {
        forks.push(this.#fork(steps));
        this.#emit(item, steps);
      }
      for (const fork of forks) this.#aim(fork, mode, steps.length);
    }
  }

  #loop(item: Node, mode: Mode, steps: Step[]): void {
    const fork = this.#fork(steps);
    const start = steps.length - 1;
    const register = start;
    this.#add(steps, { op: 'mark', register });
    this.#emit(item, steps);
    this.#add(steps, { op: 'progress', register });
    this.#add(steps, { op: 'jump', to: start });
    this.#aim(fork, mode, steps.length);
  }

  /** One that goes on behind itself; where else is said by #aim. */
  #fork(steps: Step[]): { op: 'fork'; first: number; second: number } {
    const fork = { op: 'fork' as const, first: 0, second: 0 };
    fork.first = this.#add(steps, fork) + 1;
    return fork;
  }

  #aim(fork: { first: number; second: number }, mode: Mode, out: number): void {
    if (mode === 'lazy') [fork.first, fork.second] = [out, fork.first];
    else fork.second = out;
  }
}

/** How many characters a pattern takes; looking behind is only possible where that is fixed. */
function lengthsOf(node: Node): Set<number> {
  switch (node.kind) {
    case 'char':
      return new Set([1]);
    case 'anchor':
    case 'look':
      return new Set([0]);
    case 'atomic':
      return lengthsOf(node.item);
    case 'choice':
      return new Set(node.items.flatMap((item) => [...lengthsOf(item)]));
    case 'sequence':
      return node.items.reduce((sums, item) => sumsOf(sums, lengthsOf(item)), new Set([0]));
    case 'repeat': {
      if (node.max !== node.min) throw unsupported('a pattern that looks behind itself for a length that is not fixed');
      let sums = new Set([0]);
      const lengths = lengthsOf(node.item);
      for (let i = 0; i < node.min; i++) sums = sumsOf(sums, lengths);
      return sums;
    }
  }
}

function sumsOf(a: ReadonlySet<number>, b: ReadonlySet<number>): Set<number> {
  const sums = new Set<number>();
  for (const x of a) for (const y of b) sums.add(x + y);
  if (sums.size > 64) throw unsupported('a pattern that looks behind itself for too many lengths');
  return sums;
}
