/** Sets of characters, by Unicode's own properties. */
import { malformed, unsupported } from '../errors.ts';

/** Whether a code point belongs. */
export type CharTest = (code: number) => boolean;

const PAGE = 256;

/** Remembers the answers of a costly test, page by page. */
export function remembered(test: CharTest): CharTest {
  const pages = new Map<number, Uint8Array>();
  return (code) => {
    const key = Math.floor(code / PAGE);
    let page = pages.get(key);
    if (!page) {
      page = new Uint8Array(PAGE);
      pages.set(key, page);
    }
    const at = code % PAGE;
    if (page[at] === 0) page[at] = test(code) ? 2 : 1;
    return page[at] === 2;
  };
}

/** Only for sources written here: JavaScript's own engine runs it on one character. */
function ofRegExp(source: string): CharTest {
  const regExp = new RegExp(`^${source}$`, 'u');
  return remembered((code) => regExp.test(String.fromCodePoint(code)));
}

export const isWhitespace = ofRegExp('\\p{White_Space}');
export const isNumeric = ofRegExp('\\p{N}');
export const isNonspacingMark = ofRegExp('\\p{Mn}');
export const isMark = ofRegExp('\\p{M}');
/** Control, format and private use. */
export const isControlLike = ofRegExp('[\\p{Cc}\\p{Cf}\\p{Co}]');
const isPunctuationProper = ofRegExp('\\p{P}');
/** ASCII's signs are all taken for punctuation, also those Unicode calls symbols. */
export const isPunctuation: CharTest = (code) =>
  (code >= 0x21 && code <= 0x2f) ||
  (code >= 0x3a && code <= 0x40) ||
  (code >= 0x5b && code <= 0x60) ||
  (code >= 0x7b && code <= 0x7e) ||
  isPunctuationProper(code);
/** What Rust's regular expressions call \w. */
export const isRustWord = ofRegExp('[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]');
/** What Oniguruma calls \w between brackets. */
const isOnigWordInClass = ofRegExp('[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]');
/** Outside of brackets its Latin-1 table counts the raised digits and fractions too. */
export const isOnigWord: CharTest = (code) => isOnigWordInClass(code) || code === 0xb2 || code === 0xb3 || code === 0xb9 || (code >= 0xbc && code <= 0xbe);

/** The classes that a letter after a backslash names; capital letters mean the opposite. */
const SHORTHANDS: Record<string, CharTest> = { s: isWhitespace, d: ofRegExp('\\p{Nd}'), w: isOnigWordInClass, h: ofRegExp('[0-9A-Fa-f]') };

export function shorthand(letter: string, inClass: boolean): CharTest | undefined {
  const lower = letter.toLowerCase();
  const test = Object.hasOwn(SHORTHANDS, lower) ? (lower === 'w' && !inClass ? isOnigWord : SHORTHANDS[lower]) : undefined;
  return test && letter !== lower ? not(test) : test;
}

const POSIX: Record<string, string> = {
  alnum: '[\\p{Alphabetic}\\p{Nd}]',
  alpha: '\\p{Alphabetic}',
  ascii: '[\\0-\\x7f]',
  blank: '[\\t\\p{Zs}]',
  cntrl: '\\p{Cc}',
  digit: '\\p{Nd}',
  graph: '[^\\p{White_Space}\\p{Cc}\\p{Cn}\\p{Cs}]',
  lower: '\\p{Lowercase}',
  print: '[^\\p{Cc}\\p{Cn}\\p{Cs}\\u2028\\u2029]',
  punct: '[\\p{P}\\p{S}]',
  space: '\\p{White_Space}',
  upper: '\\p{Uppercase}',
  xdigit: '[0-9A-Fa-f]',
  word: '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]',
};

const named = new Map<string, CharTest>();

/** `[:alpha:]`, and the same names as properties. */
export function posixClass(name: string): CharTest | undefined {
  const source = Object.hasOwn(POSIX, name) ? POSIX[name] : undefined;
  return source === undefined ? undefined : cached(`posix ${name}`, source);
}

function cached(key: string, source: string): CharTest {
  const test = named.get(key) ?? ofRegExp(source);
  named.set(key, test);
  return test;
}

/**
 * What `\p{name}` holds: a general category, a binary property, a script or a POSIX name.
 * @throws tokenizer.unsupported
 */
export function property(name: string): CharTest {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,40}$/.test(name)) throw malformed('a pattern names a property that cannot be one.', { found: name.slice(0, 60) });
  const posix = posixClass(name.toLowerCase());
  if (posix) return posix;
  for (const source of [`\\p{${name}}`, `\\p{Script=${name}}`]) {
    try {
      return cached(source, source);
    } catch {
      // Not a name of this kind; the next may be.
    }
  }
  throw unsupported('a pattern with the property', { found: name });
}

export function not(test: CharTest): CharTest {
  return (code) => !test(code);
}

/** Also those whose other case belongs: simple case folding, one character for one. */
export function ignoringCase(test: CharTest): CharTest {
  return remembered((code) => caseVariants(code).some(test));
}

function caseVariants(code: number): number[] {
  const text = String.fromCodePoint(code);
  const forms = [text, text.toLowerCase(), text.toUpperCase(), text.toUpperCase().toLowerCase(), text.toLowerCase().toUpperCase()];
  return [...new Set(forms.filter((form) => [...form].length === 1).map((form) => form.codePointAt(0) ?? code))];
}

/** A test with many parts, made quick. */
export function union(parts: readonly CharTest[]): CharTest {
  const [only] = parts;
  return parts.length === 1 && only ? only : remembered((code) => parts.some((part) => part(code)));
}
