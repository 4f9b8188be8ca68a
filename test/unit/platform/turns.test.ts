import { expect, test } from 'vitest';
import { Turns } from '#core/platform';

test('work is done in the order asked, one after another, even after a failure', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const a = turns.take(async () => {
    seen.push('a begins');
    await first.promise;
    seen.push('a ends');
  });
  const b = turns.take(() => {
    seen.push('b');
    return Promise.reject(new Error('b failed'));
  });
  const c = turns.take(() => Promise.resolve(seen.push('c')));
  first.resolve();
  await a;
  await expect(b).rejects.toThrow('b failed');
  await c;
  expect(seen).toEqual(['a begins', 'a ends', 'b', 'c']);
});

test('who waits may leave, and those behind keep their place', async () => {
  const turns = new Turns();
  const first = Promise.withResolvers<void>();
  const abort = new AbortController();
  const seen: string[] = [];
  const a = turns.take(() => first.promise);
  const b = turns.take(() => Promise.resolve(seen.push('b')), abort.signal);
  const c = turns.take(() => Promise.resolve(seen.push('c')));
  abort.abort();
  await expect(b).rejects.toMatchObject({ name: 'AbortError' });
  expect(seen).toEqual([]);
  first.resolve();
  await Promise.all([a, c]);
  expect(seen).toEqual(['c']);
});
