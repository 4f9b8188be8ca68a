/** `WWW-Authenticate` (RFC 9110 §11.6.1): what a server wants to see before it answers. Bounded, and read without backtracking. */
import { MAX_CHALLENGE_LENGTH, MAX_CHALLENGES } from '../limits.ts';

export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  scheme: string;
  /** By lower-case name; the first of a name counts. */
  parameters: Map<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const UP_TO_COMMA = /[^,]*/y;

/** Every challenge, in order. What cannot be read is passed over. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, MAX_CHALLENGE_LENGTH);
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at += match[0].length;
    return match?.[0];
  };
  /** A quoted string, without its quotes; undefined when it does not end. */
  const quoted = (): string | undefined => {
    let value = '';
    for (at += 1; at < text.length; at++) {
      const c = text[at] ?? '';
      if (c === '"') {
        at += 1;
        return value;
      }
      value += c === '\\' ? (text[++at] ?? '') : c;
    }
    return undefined;
  };

  while (challenges.length < MAX_CHALLENGES) {
    take(SEPARATORS);
    const scheme = take(TOKEN);
    if (scheme === undefined) break;
    const challenge: Challenge = { scheme: scheme.toLowerCase(), parameters: new Map() };
    challenges.push(challenge);
    for (;;) {
      const before = at;
      take(SEPARATORS);
      const name = take(TOKEN);
      take(SPACE);
      if (name === undefined || text[at] !== '=') {
        // The next scheme, or the end.
        at = before;
        break;
      }
      at += 1;
      take(SPACE);
      const value = text[at] === '"' ? quoted() : take(TOKEN);
      if (value === undefined) {
        // Credentials of another scheme in base64, as after `Negotiate`: passed over.
        take(UP_TO_COMMA);
        break;
      }
      if (!challenge.parameters.has(name.toLowerCase())) challenge.parameters.set(name.toLowerCase(), value);
    }
  }
  return challenges;
}
