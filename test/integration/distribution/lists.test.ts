/** Lists that are too long for one answer. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MANIFEST, putArtifact, putBlob, sha256, testRegistry, type TestRegistry } from './registry.ts';

let registry: TestRegistry;
let http: TestRegistry['http'];
beforeEach(async () => {
  registry = await testRegistry();
  http = registry.http;
});
afterEach(() => registry.remove());

test('of referrers go on page by page, however much strangers wrote into them, and by type', async () => {
  const subject = { mediaType: MANIFEST, digest: sha256('subject'), size: 7 };
  const all: string[] = [];
  for (let i = 0; i < 5; i++) {
    const annotations = { text: 'x'.repeat(1_500_000), i: String(i) };
    all.push((await putArtifact(http, 'a', undefined, { subject, artifactType: i === 4 ? 'x/other' : 'x/one', annotations })).digest);
  }
  const read = async (query: string) => {
    const seen: string[][] = [];
    for (let path: string | undefined = `/v2/a/referrers/${subject.digest}${query}`; path !== undefined; ) {
      const page = await http('GET', path);
      expect(page.body.length).toBeLessThanOrEqual(4 * 1024 * 1024);
      seen.push((page.json() as { manifests: { digest: string }[] }).manifests.map((one) => one.digest));
      path = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
    }
    return seen;
  };
  const pages = await read('');
  expect(pages.length).toBeGreaterThan(1);
  expect(pages.flat()).toEqual([...all].sort());
  expect((await read('?artifactType=x/one')).flat()).toEqual(all.slice(0, 4).sort());
  expect(await read('?artifactType=x/other')).toEqual([[all[4]]]);
});

test('of repositories go on after the last one', async () => {
  for (const name of ['c', 'a', 'b/x', 'b']) await putBlob(http, name, 'x');
  const first = await http('GET', '/v2/_catalog?n=3');
  expect(first.json()).toEqual({ repositories: ['a', 'b', 'b/x'] });
  expect((await http('GET', /^<([^>]+)>/.exec(String(first.headers.link))?.[1] ?? '')).json()).toEqual({ repositories: ['c'] });
  expect((await http('GET', '/v2/_catalog?last=c')).json()).toEqual({ repositories: [] });
});
