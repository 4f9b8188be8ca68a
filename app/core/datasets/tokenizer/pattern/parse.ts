/**
 * Reads patterns as Oniguruma does with Ruby's syntax, which is what tokenizer.json is written for. What needs memory of an
 * earlier match (back references, recursion, conditions) is refused: no tokenizer needs it.
 */
import { MAX_PATTERN_CHARS, MAX_PATTERN_DEPTH, MAX_PATTERN_REPEAT } from '../../limits.ts';
import { malformed, unsupported } from '../errors.ts';
import { type CharTest, ignoringCase, not, posixClass, property, remembered, shorthand, union } from './char-set.ts';
import type { Mode, Node } from './syntax.ts';

const CONTROL: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 };
const ANCHORS = {
  A: 'text-start',
  z: 'text-end',
  Z: 'text-end-or-newline',
  b: 'word-edge',
  B: 'no-word-edge',
} as const;

interface Flags {
  /** i: letters match in both cases. */
  ignoreCase: boolean;
  /** m: a dot takes line breaks too. */
  dotAll: boolean;
}

/** @throws tokenizer.malformed, tokenizer.unsupported (input) */
export function parsePattern(source: string): Node {
  const chars = [...source];
  if (chars.length > MAX_PATTERN_CHARS) throw malformed('a pattern is too long.', { expected: `at most ${MAX_PATTERN_CHARS} characters` });
  const parser = new Parser(chars);
  const node = parser.choice({ ignoreCase: false, dotAll: false }, 0);
  if (!parser.done) throw wrong(source, 'a bracket closes that was never opened');
  return node;
}

/** The pattern that matches a text as it is. */
export function literalPattern(text: string): Node {
  return { kind: 'sequence', items: [...text].map((char) => charNode(char.codePointAt(0) ?? 0, false)) };
}

function wrong(source: string, why: string) {
  return malformed(`in a pattern, ${why}.`, { found: source.slice(0, 200) });
}

function charNode(code: number, ignoreCase: boolean): Node {
  const test: CharTest = (c) => c === code;
  return { kind: 'char', test: ignoreCase ? ignoringCase(test) : test };
}

class Parser {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(chars: readonly string[]) {
    this.#chars = chars;
  }

  get done(): boolean {
    return this.#at >= this.#chars.length;
  }

  /** Alternatives up to a closing bracket or the end. */
  choice(flags: Flags, depth: number): Node {
    if (depth > MAX_PATTERN_DEPTH) throw this.#wrong('groups are nested too deep');
    const items: Node[] = [];
    let current = flags;
    for (;;) {
      const { node, flags: after } = this.#sequence(current, depth);
      items.push(node);
      current = after;
      if (!this.#take('|')) break;
    }
    const [only] = items;
    return items.length === 1 && only ? only : { kind: 'choice', items };
  }

  #sequence(flags: Flags, depth: number): { node: Node; flags: Flags } {
    const items: Node[] = [];
    let current = flags;
    while (!this.done && this.#peek() !== '|' && this.#peek() !== ')') {
      const changed = this.#flagsAlone(current);
      if (changed) {
        current = changed;
        continue;
      }
      const atom = this.#atom(current, depth);
      items.push(this.#quantified(atom));
    }
    return { node: { kind: 'sequence', items }, flags: current };
  }

  /** `(?i)`: holds to the end of the group. */
  #flagsAlone(flags: Flags): Flags | undefined {
    const match = /^\(\?([imx]*)(?:-([imx]*))?\)/.exec(this.#rest(16));
    if (!match) return undefined;
    this.#at += match[0].length;
    return this.#changed(flags, match[1] ?? '', match[2] ?? '');
  }

  #changed(flags: Flags, on: string, off: string): Flags {
    if (on.includes('x')) throw unsupported('a pattern with the option x');
    return {
      ignoreCase: (flags.ignoreCase || on.includes('i')) && !off.includes('i'),
      dotAll: (flags.dotAll || on.includes('m')) && !off.includes('m'),
    };
  }

  #atom(flags: Flags, depth: number): Node {
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group(flags, depth);
      case '[':
        return { kind: 'char', test: this.#charClass(flags, depth) };
      case '.':
        return { kind: 'char', test: flags.dotAll ? () => true : (code) => code !== 10 };
      case '^':
        return { kind: 'anchor', anchor: 'line-start' };
      case '$':
        return { kind: 'anchor', anchor: 'line-end' };
      case '\\':
        return this.#escape(flags);
      case '*':
      case '+':
      case '?':
        throw this.#wrong(`${char} has nothing to repeat`);
      default:
        return charNode(char.codePointAt(0) ?? 0, flags.ignoreCase);
    }
  }

  #group(flags: Flags, depth: number): Node {
    const inside = (node: (item: Node) => Node, inner = flags) => {
      const item = this.choice(inner, depth + 1);
      if (!this.#take(')')) throw this.#wrong('a group is not closed');
      return node(item);
    };
    if (!this.#take('?')) return inside((item) => item);
    if (this.#take(':')) return inside((item) => item);
    if (this.#take('>')) return inside((item) => ({ kind: 'atomic', item }));
    for (const [mark, behind, negative] of [
      ['=', false, false],
      ['!', false, true],
      ['<=', true, false],
      ['<!', true, true],
    ] as const)
      if (this.#take(mark)) return inside((item) => ({ kind: 'look', item, behind, negative }));
    const name = /^<[A-Za-z_]\w{0,63}>/.exec(this.#rest(70));
    if (name) {
      this.#at += name[0].length;
      return inside((item) => item);
    }
    const options = /^([imx]*)(?:-([imx]*))?:/.exec(this.#rest(16));
    if (!options) throw unsupported('a pattern with a group of the kind', { found: `(?${this.#rest(6)}` });
    this.#at += options[0].length;
    return inside((item) => item, this.#changed(flags, options[1] ?? '', options[2] ?? ''));
  }

  #escape(flags: Flags): Node {
    const letter = this.#peek();
    if (letter !== undefined && Object.hasOwn(ANCHORS, letter)) {
      this.#at++;
      return { kind: 'anchor', anchor: ANCHORS[letter as keyof typeof ANCHORS] };
    }
    const test = this.#classEscape(false);
    // Case is ignored in letters and brackets, not in what an escape names.
    if (typeof test === 'function') return { kind: 'char', test };
    return charNode(test, flags.ignoreCase);
  }

  /** After a backslash: a set of characters, or one code point. */
  #classEscape(inClass: boolean): CharTest | number {
    const letter = this.#next();
    const set = shorthand(letter, inClass);
    if (set) return set;
    if (letter === 'p' || letter === 'P') {
      const name = /^\{(\^?)([^}]{1,60})\}/.exec(this.#rest(64));
      if (!name) throw this.#wrong('\\p has no name');
      this.#at += [...name[0]].length;
      const test = property(name[2] ?? '');
      return (letter === 'P') !== (name[1] === '^') ? not(test) : test;
    }
    if (letter === 'x' || letter === 'u') {
      const hex = (letter === 'x' ? /^(?:\{([0-9A-Fa-f]{1,8})\}|([0-9A-Fa-f]{1,2}))/ : /^(?:([0-9A-Fa-f]{4}))/).exec(this.#rest(12));
      const code = Number.parseInt(hex?.[1] ?? hex?.[2] ?? '', 16);
      if (!hex || !(code <= 0x10ffff)) throw this.#wrong(`\\${letter} has no code point`);
      this.#at += hex[0].length;
      return code;
    }
    if (Object.hasOwn(CONTROL, letter)) return CONTROL[letter] ?? 0;
    if (letter === '0') return 0;
    if (/^[0-9A-Za-z]$/.test(letter)) throw unsupported('a pattern with', { found: `\\${letter}` });
    return letter.codePointAt(0) ?? 0;
  }

  /** After an opening bracket. */
  #charClass(flags: Flags, depth: number): CharTest {
    if (depth > MAX_PATTERN_DEPTH) throw this.#wrong('brackets are nested too deep');
    const negative = this.#take('^');
    const intersection: CharTest[] = [];
    let parts: CharTest[] = [];
    for (let first = true; ; first = false) {
      if (this.done) throw this.#wrong('a bracket is not closed');
      if (!first && this.#take(']')) break;
      if (this.#take('&&')) {
        intersection.push(union(parts));
        parts = [];
        continue;
      }
      parts.push(this.#classPart(flags, depth));
    }
    intersection.push(union(parts));
    const all: CharTest = (code) => intersection.every((part) => part(code));
    const folded = flags.ignoreCase ? ignoringCase(all) : remembered(all);
    return negative ? not(folded) : folded;
  }

  #classPart(flags: Flags, depth: number): CharTest {
    const posix = /^\[:(\^?)([a-z]{1,10}):\]/.exec(this.#rest(16));
    if (posix) {
      this.#at += posix[0].length;
      const test = posixClass(posix[2] ?? '');
      if (!test) throw this.#wrong(`there is no class ${posix[2] ?? ''}`);
      return posix[1] === '^' ? not(test) : test;
    }
    // Case is ignored once, in the outermost brackets.
    if (this.#take('[')) return this.#charClass({ ...flags, ignoreCase: false }, depth + 1);
    const low = this.#classCode();
    if (typeof low === 'function') return low;
    const [dash, end, after] = this.#chars.slice(this.#at, this.#at + 3);
    if (dash !== '-' || end === undefined || end === ']' || end === '[' || (end === '&' && after === '&')) return (code) => code === low;
    this.#at++;
    const high = this.#classCode();
    if (typeof high === 'function') throw this.#wrong('a range ends with a set');
    if (high < low) throw this.#wrong('a range is empty');
    return (code) => code >= low && code <= high;
  }

  #classCode(): CharTest | number {
    if (this.#take('\\')) return this.#take('b') ? 8 : this.#classEscape(true);
    return this.#next().codePointAt(0) ?? 0;
  }

  #quantified(atom: Node): Node {
    let node = atom;
    for (;;) {
      const range = this.#quantifier();
      if (!range) return node;
      if (node.kind === 'anchor') throw this.#wrong('an anchor is repeated');
      const mode: Mode = range.lazy && this.#take('?') ? 'lazy' : range.possessive && this.#take('+') ? 'possessive' : 'greedy';
      node = { kind: 'repeat', item: node, min: range.min, max: range.max, mode };
    }
  }

  /** What may follow: after braces a + repeats again, and after a fixed number so does a ?. */
  #quantifier(): { min: number; max: number; lazy: boolean; possessive: boolean } | undefined {
    const sign = { lazy: true, possessive: true };
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY, ...sign };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY, ...sign };
    if (this.#take('?')) return { min: 0, max: 1, ...sign };
    const braces = /^\{(\d*)(,?)(\d*)\}/.exec(this.#rest(20));
    if (!braces || (braces[1] === '' && braces[3] === '')) return undefined;
    this.#at += braces[0].length;
    const fixed = braces[2] === '';
    const min = Number(braces[1] ?? '');
    const max = fixed ? min : braces[3] === '' ? Number.POSITIVE_INFINITY : Number(braces[3]);
    if (max < min || min > MAX_PATTERN_REPEAT || (Number.isFinite(max) && max > MAX_PATTERN_REPEAT))
      throw this.#wrong('a repetition is impossible or too large');
    return { min, max, lazy: !fixed, possessive: false };
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #next(): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw this.#wrong('it ends too early');
    return char;
  }

  #take(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#chars[this.#at + i] !== text[i]) return false;
    this.#at += text.length;
    return true;
  }

  /** The next characters, as many as a look ahead needs. */
  #rest(length: number): string {
    return this.#chars.slice(this.#at, this.#at + length).join('');
  }

  #wrong(why: string) {
    return wrong(this.#chars.join(''), why);
  }
}
