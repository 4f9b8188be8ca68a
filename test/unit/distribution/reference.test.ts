import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRegistryRef, parseRegistryRef } from '#core/distribution';
import { isRepositoryName, isTag } from '../../../app/core/distribution/names.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

describe('a reference into a registry', () => {
  test.each([
    ['localhost:5000/digits', { host: 'localhost:5000', repository: 'digits' }],
    ['registry.example.com/team/digits:1.0.0', { host: 'registry.example.com', repository: 'team/digits', tag: '1.0.0' }],
    [`ghcr.io/a/b:x@${DIGEST}`, { host: 'ghcr.io', repository: 'a/b', tag: 'x', digest: DIGEST }],
    [`[::1]:5000/a@${DIGEST}`, { host: '[::1]:5000', repository: 'a', digest: DIGEST }],
    ['127.0.0.1:1/a', { host: '127.0.0.1:1', repository: 'a' }],
  ])('%s is read', (text, expected) => expect(parseRegistryRef(text)).toEqual(expected));

  test.each([
    '',
    'digits',
    '/digits',
    'digits:1.0.0',
    'host/',
    'host/A',
    'host/a:',
    'host/a:.x',
    'host/a@sha256:1',
    'host:0/a',
    'host:65536/a',
    'host:x/a',
    'ho st/a',
    'http://host/a',
    'user@host/a',
    'user:password@host/a',
    '-host/a',
    'host-/a',
    'host/../a',
    'host/a?x=1',
    'host/a#x',
    'host\n/a',
    '999.1.1.1/a',
    '1.2.3.4.5:5000/a',
    'host.1/a',
    '[::1:]/a',
    '[...]:5000/a',
    `${'a'.repeat(64)}.example/a`,
    `host/${'a/'.repeat(600)}a`,
  ])('%j is refused, and said why', (text) => {
    expect(() => parseRegistryRef(text)).toThrow(expect.objectContaining({ code: 'usage.registry-ref', owner: 'usage' }) as Error);
  });

  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
  /** A name that ends in a number would be an IPv4 address. */
  const lastLabel = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/);
  const hostname = fc.tuple(fc.array(label, { maxLength: 3 }), lastLabel).map(([labels, last]) => [...labels, last].join('.'));
  test('what was put together is taken apart again', () => {
    fc.assert(
      fc.property(
        hostname,
        fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/), { nil: undefined }),
        fc.option(fc.constant(DIGEST), { nil: undefined }),
        (name, port, parts, tag, digest) => {
          const ref = {
            host: `${name}${port === undefined ? '' : `:${port}`}`,
            repository: parts.join('/'),
            ...(tag !== undefined && { tag }),
            ...(digest !== undefined && { digest }),
          };
          expect(parseRegistryRef(formatRegistryRef(ref))).toEqual(ref);
        },
      ),
    );
  });

  test('whatever is read is safe to put into an address', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'B', '1', '.', ':', '/', '@', '-', '_', '[', ']', '%', ' ', '?', '#', '\\') }), (text) => {
        let ref: ReturnType<typeof parseRegistryRef>;
        try {
          ref = parseRegistryRef(text);
        } catch {
          return;
        }
        const url = new URL(`https://${ref.host}/v2/${ref.repository}/tags/list`);
        expect(url.pathname).toBe(`/v2/${ref.repository}/tags/list`);
        expect(url.username + url.password + url.search + url.hash).toBe('');
        expect(isRepositoryName(ref.repository)).toBe(true);
        if (ref.tag !== undefined) expect(isTag(ref.tag)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});
