import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChallenges } from '../../../app/core/distribution/client/challenge.ts';

const read = (header: string) => parseChallenges(header).map(({ scheme, parameters }) => ({ scheme, ...Object.fromEntries(parameters) }));

describe('WWW-Authenticate', () => {
  test.each([
    ['Basic realm="x"', [{ scheme: 'basic', realm: 'x' }]],
    ['Basic', [{ scheme: 'basic' }]],
    [
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
      [{ scheme: 'bearer', realm: 'https://auth.example/token', service: 'registry.example', scope: 'repository:a/b:pull,push' }],
    ],
    ['bearer realm=token, error = "x\\"y, z=1"', [{ scheme: 'bearer', realm: 'token', error: 'x"y, z=1' }]],
    ['Negotiate abcd==, Basic realm="x"', [{ scheme: 'negotiate' }, { scheme: 'basic', realm: 'x' }]],
    [
      'Basic realm="a", Bearer realm="b"',
      [
        { scheme: 'basic', realm: 'a' },
        { scheme: 'bearer', realm: 'b' },
      ],
    ],
    ['Basic realm="a", realm="b"', [{ scheme: 'basic', realm: 'a' }]],
    [',, Basic realm="x",,', [{ scheme: 'basic', realm: 'x' }]],
    ['', []],
    ['"', []],
    ['Basic realm="unended', [{ scheme: 'basic' }]],
  ])('%j', (header, expected) => expect(read(header)).toEqual(expected));

  test('what was written is read back, whatever it is', () => {
    const token = fc.stringMatching(/^[a-z]{1,8}$/);
    const challenge = fc.record({
      scheme: token,
      parameters: fc.uniqueArray(fc.tuple(token, fc.string({ maxLength: 20 })), { selector: ([name]) => name, maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 5 }), (challenges) => {
        const quote = (value: string) => `"${value.replace(/(["\\])/g, '\\$1')}"`;
        const header = challenges
          .map(({ scheme, parameters }) => `${scheme} ${parameters.map(([name, value]) => `${name}=${quote(value)}`).join(', ')}`)
          .join(', ');
        expect(parseChallenges(header)).toEqual(challenges.map(({ scheme, parameters }) => ({ scheme, parameters: new Map(parameters) })));
      }),
    );
  });

  test('nothing makes it fail or go on without end', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '=', ',', '"', '\\', ' ', '\t', ';', 'é'), maxLength: 200 }), (text) => {
        expect(parseChallenges(text).length).toBeLessThanOrEqual(16);
      }),
      { numRuns: 5000 },
    );
    for (const text of ['"'.repeat(100_000), '\\'.repeat(100_000), 'a='.repeat(100_000), ' '.repeat(100_000), 'a,'.repeat(100_000)]) {
      expect(parseChallenges(text).length).toBeLessThanOrEqual(16);
    }
  });
});
