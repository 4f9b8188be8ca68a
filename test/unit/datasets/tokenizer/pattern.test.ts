/** Patterns as Oniguruma reads them; what is expected here, Python's `tokenizers` gives. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitBy } from './small.ts';

describe('what matches where', () => {
  test.each([
    ['alternatives in their order', 'a|ab', 'abab', ['a', 'b', 'a', 'b']],
    ['the longest run, then one back', '\\s+(?!\\S)', '  a', [' ', ' a']],
    ['as few as will do', 'a+?b', 'aab', ['aab']],
    ['nothing given back', 'a++ab', 'aaab', ['aaab']],
    ['an atomic group', '(?>a|ab)c', 'abc', ['abc']],
    ['what stands before', '(?<=a|bc)d', 'adbcdd', ['a', 'd', 'bc', 'd', 'd']],
    ['what does not stand before', '(?<!a)b', 'abb', ['ab', 'b']],
    ['both cases', "(?i:'s)", "a'Sb'ſ", ['a', "'S", 'b', "'ſ"]],
    ['both cases to the end of the group', '(a(?i)b|c)d', 'aBdCdcD', ['aBd', 'Cd', 'cD']],
    ['properties and their opposite', '\\p{Lu}\\P{Lu}+', 'AbcDe1F', ['Abc', 'De1', 'F']],
    ['a script', '\\p{Han}+', 'a泵b', ['a', '泵', 'b']],
    ['sets within sets', '[a-z&&[^aeiou]]+', 'abcde', ['a', 'bcd', 'e']],
    ['POSIX names', '[[:digit:][:punct:]]+', 'a1,b', ['a', '1,', 'b']],
    ['a bracket and a minus as themselves', '[]a-]+', 'x]a-y', ['x', ']a-', 'y']],
    ['a fixed number', 'a{2}', 'aaaaa', ['aa', 'aa', 'a']],
    ['from nothing to a number', 'ba{,2}', 'baaa', ['baa', 'a']],
    ['braces that are none', 'a{x}', 'a{x}', ['a{x}']],
    ['lines', '^b$', 'a\nb\nc', ['a\n', 'b', '\nc']],
    ['code points', '\\x{1F600}\\u0041\\x42', '😀AB', ['😀AB']],
    ['a loop that takes nothing', '(?:a*)*b', 'aab', ['aab']],
    ['an empty match beside every character', 'x*', 'ab', ['a', 'b']],
  ])('%s', (_what, pattern, text, pieces) => {
    expect(splitBy(pattern, text)).toEqual(pieces);
  });

  test.each([
    ['Removed', ['the', 'final', 'countdown']],
    ['Isolated', ['the', '-', 'final', '-', '-', 'countdown']],
    ['MergedWithPrevious', ['the-', 'final-', '-', 'countdown']],
    ['MergedWithNext', ['the', '-final', '-', '-countdown']],
    ['Contiguous', ['the', '-', 'final', '--', 'countdown']],
  ])('separators are %s', (behavior, pieces) => {
    expect(splitBy('-', 'the-final--countdown', behavior)).toEqual(pieces);
  });

  test('pieces put together are the text, whatever the pattern', () => {
    const pattern = fc.constantFrom('\\s+', '(a|b)*c?', '[^x]', '(?=a)', '\\b', 'a{0,2}|b', '.', '(?:)', '\\p{L}+|\\d');
    fc.assert(fc.property(pattern, fc.string({ unit: 'grapheme' }), (source, text) => splitBy(source, text).join('') === text));
  });
});

describe('what a pattern may not be', () => {
  test.each([
    ['a back reference', '(a)\\1', 'tokenizer.unsupported'],
    ['a named back reference', '(?<n>a)\\k<n>', 'tokenizer.unsupported'],
    ['recursion', 'a\\g<0>?', 'tokenizer.unsupported'],
    ['a condition', '(?(1)a|b)', 'tokenizer.unsupported'],
    ['looking behind without end', '(?<=a+)b', 'tokenizer.unsupported'],
    ['an unknown property', '\\p{Klingonese}', 'tokenizer.unsupported'],
    ['an open group', '(a', 'tokenizer.malformed'],
    ['an open bracket', '[a', 'tokenizer.malformed'],
    ['a closing bracket too many', 'a)', 'tokenizer.malformed'],
    ['nothing to repeat', '*a', 'tokenizer.malformed'],
    ['an empty range', '[b-a]', 'tokenizer.malformed'],
    ['too many repetitions', 'a{100000}', 'tokenizer.malformed'],
    ['repetitions of repetitions', '(((a{999}b){999}c){999}d){999}', 'tokenizer.malformed'],
    ['groups without end', '('.repeat(5000), 'tokenizer.malformed'],
    ['too much text', 'a'.repeat(20_000), 'tokenizer.malformed'],
  ])('%s is refused', (_what, pattern, code) => {
    expect(() => splitBy(pattern, 'x')).toThrowError(expect.objectContaining({ code, owner: 'input' }));
  });

  test.each(['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*a){20}x', '(?=(a+)+$)b', '(?<=a)(a?){30}a{30}x', '((a*)*)*b'])(
    '%s is stopped when it goes on too long, the same way everywhere',
    (pattern) => {
      expect(() => splitBy(pattern, `${'a'.repeat(60)}!`.repeat(3))).toThrowError(expect.objectContaining({ code: 'tokenizer.too-costly', owner: 'input' }));
    },
  );
});
