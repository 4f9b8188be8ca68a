import { describe, expect, test } from 'vitest';
import { placeOf } from '../../../app/core/distribution/client/places.ts';

const seenFrom = (own: string) => (location: string) => placeOf({ url: new URL(own), label: 'registry' }, location);

describe('where a registry may send us', () => {
  const go = seenFrom('https://registry.example:5000');

  test.each([
    ['/v2/a/blobs/uploads/1?x=2', '/v2/a/blobs/uploads/1?x=2'],
    ['https://registry.example:5000/v2/a', '/v2/a'],
    // What ends TLS before a registry does not always tell it so.
    ['http://registry.example:5000/v2/a', '/v2/a'],
    ['http://registry.example/v2/a', '/v2/a'],
    ['relative', '/relative'],
  ])('%s is the registry itself', (location, path) => expect(go(location)).toEqual({ path }));

  test('storage elsewhere is gone to over TLS', () => {
    expect(go('https://storage.example/bucket/x?sig=1')).toEqual({ elsewhere: new URL('https://storage.example/bucket/x?sig=1') });
    expect(go('https://192.168.1.5/x')).toEqual({ elsewhere: new URL('https://192.168.1.5/x') });
  });

  test.each([
    'http://storage.example/x',
    'file:///etc/passwd',
    'ftp://storage.example/x',
    'data:text/plain,x',
    'javascript:alert(1)',
    'https://user:password@storage.example/x',
    'https://user@registry.example:5000/x',
    'https://127.0.0.1/x',
    'https://127.1/x',
    'https://2130706433/x',
    'https://0x7f000001/x',
    'https://localhost:8080/x',
    'https://[::1]/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://0.0.0.0/x',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fe80::1]/x',
    'https://[fd00:ec2::254]/x',
    'https://[::ffff:169.254.169.254]/x',
    'https://224.0.0.1/x',
    'http://',
    `https://storage.example/${'x'.repeat(10_000)}`,
  ])('%s is not gone to', (location) => {
    expect(() => go(location)).toThrow(expect.objectContaining({ code: 'network.wrong-place' }) as Error);
  });

  test('a registry on this computer may send to this computer, without TLS too', () => {
    const here = seenFrom('http://127.0.0.1:5000');
    expect(here('http://127.0.0.1:9000/x')).toEqual({ elsewhere: new URL('http://127.0.0.1:9000/x') });
    expect(here('http://localhost:9000/x')).toEqual({ elsewhere: new URL('http://localhost:9000/x') });
    expect(() => here('http://storage.example/x')).toThrow();
    expect(() => here('https://169.254.169.254/x')).toThrow();
  });
});
