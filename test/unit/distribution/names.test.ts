import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { algorithmOf, digestWith, isDigest, isRepositoryName, isTag } from '../../../app/core/distribution/names.ts';

describe('repository names', () => {
  test.each(['digits', 'a', 'team/digits', 'a.b_c__d---e/f', '0/1/2', 'x'.repeat(255)])('%s is one', (name) => expect(isRepositoryName(name)).toBe(true));
  test.each(['', '/', 'a/', '/a', 'a//b', 'A', 'a_', '.a', 'a..b', 'a___b', 'a._b', '../a', 'a/../b', 'ä', 'a b', 'a%2fb', 'a\n', 'x'.repeat(256)])(
    '%j is none',
    (name) => expect(isRepositoryName(name)).toBe(false),
  );

  test('whatever is one never leads out of a folder or a path', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', '_', '-', '/', '%', ' ', ':') }), (text) => {
        if (!isRepositoryName(text)) return;
        expect(text.split('/').every((part) => part !== '' && part !== '.' && part !== '..')).toBe(true);
        expect(text).toMatch(/^[a-z0-9._/-]+$/);
      }),
      { numRuns: 2000 },
    );
  });

  test('long names of nothing but separators are judged too, and at once', () => {
    for (const text of ['-'.repeat(255), `a${'-'.repeat(253)}/`, `${'a-'.repeat(127)}/`, `a${'_'.repeat(254)}`]) expect(isRepositoryName(text)).toBe(false);
  });
});

describe('tags', () => {
  test.each(['latest', '1.0.0', '1.0.0-rc.1', '_x', 'A'.repeat(128), 'sha256-abc'])('%s is one', (tag) => expect(isTag(tag)).toBe(true));
  test.each(['', '.a', '-a', 'a:b', 'a/b', 'a+b', 'a b', 'a\n', 'A'.repeat(129), 'sha256:abc'])('%j is none', (tag) => expect(isTag(tag)).toBe(false));
});

describe('digests', () => {
  test('of both algorithms are known by what they say and how long they are', () => {
    const bytes = Buffer.from('x');
    for (const algorithm of ['sha256', 'sha512'] as const) expect(algorithmOf(digestWith(algorithm, bytes))).toBe(algorithm);
  });

  test('anything else is none', () => {
    const sound = digestWith('sha256', Buffer.from(''));
    for (const text of [
      sound.toUpperCase(),
      `${sound}0`,
      sound.slice(0, -1),
      sound.replace('sha256', 'sha512'),
      sound.replace('sha256', 'md5'),
      ` ${sound}`,
      `${sound}\n`,
      '',
    ]) {
      expect(isDigest(text), text).toBe(false);
    }
    fc.assert(fc.property(fc.string(), (text) => isDigest(text) === /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text)));
  });

  test('no tag is a digest and no digest a tag', () => {
    fc.assert(fc.property(fc.string(), (text) => !(isTag(text) && isDigest(text))));
    expect(isTag(digestWith('sha256', Buffer.from('')))).toBe(false);
  });
});
