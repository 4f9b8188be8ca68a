import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BundleSearch, BundleSearchSchema, type BundleSummary, type Variant } from '#contract';
import { type Catalogue, digestOf, openCatalogue } from '#core/bundles';

let dir: string;
let catalogue: Catalogue;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-search-'));
  catalogue = openCatalogue(join(dir, 'catalogue.db'));
});
afterAll(async () => {
  catalogue.close();
  await rm(dir, { recursive: true, force: true });
});

function record(name: string, version: string, createdAt: number, description: string) {
  const digest = digestOf(`${name}@${version}`);
  const variant: Variant = { name: 'fp32', digest, bytes: 1, precision: 'fp32', signed: true, createdAt };
  const source = Buffer.from(`name: ${name}\nversion: ${version}\nmodel: m.onnx\ndescription: ${JSON.stringify(description)}\n`);
  const documents = { manifest: Buffer.from(''), source, self: Buffer.from('') };
  const state = 'sound' as const;
  return {
    name,
    version,
    digest,
    createdAt,
    state,
    variants: [{ variant, signer: 'x', signatures: [], attached: [], ...documents, closure: [] }],
    closure: [],
  };
}

const search = (query: Partial<BundleSearch>) => catalogue.search(BundleSearchSchema.parse(query));
const refs = (bundles: readonly BundleSummary[]) => bundles.map((b) => `${b.name}@${b.version}`);

test('pages hold what every word is found in, in the order of the list', () => {
  const put = Array.from({ length: 250 }, (_, i) =>
    record(`pump-${i % 25}`, `1.${Math.floor(i / 25)}.0`, 1000 + i, i % 3 === 0 ? 'Finds Anomalies in 100% of cases' : 'reads_gauges'),
  );
  catalogue.apply({ put, indexDigest: 'x' });
  const all = refs(catalogue.list());
  expect(all).toHaveLength(250);
  const texts = new Map(
    put.map((one) => [`${one.name}@${one.version}`, `${one.name}@${one.version} ${one.variants[0]?.source.toString()} fp32`.toLowerCase()]),
  );
  const word = fc.constantFrom('pump-2', 'PUMP-24@1.9', 'anomalies', '100%', 'reads_', '_', '%', "'", 'fp32', 'nowhere', '1.3.0', ' ', '');
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), fc.integer({ min: 1, max: 60 }), (words, limit) => {
      const text = words.join(' ');
      const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
      // The name of a field is no text of the bundle.
      const expected = all.filter((ref) =>
        wanted.every((one) =>
          texts
            .get(ref)
            ?.replaceAll(/name: |version: |model: m.onnx|description: /g, '')
            .includes(one),
        ),
      );
      const found: string[] = [];
      for (;;) {
        const page = search({ text, limit, offset: found.length });
        expect(page.total).toBe(expected.length);
        expect(page.bundles.length).toBeLessThanOrEqual(limit);
        found.push(...refs(page.bundles));
        if (page.bundles.length === 0) break;
      }
      expect(found).toEqual(expected);
    }),
  );
  catalogue.apply({ drop: [{ name: 'pump-1', version: '1.0.0' }], indexDigest: 'y' });
  expect(search({ text: 'pump-1@1.0.0', limit: 10 })).toEqual({ bundles: [], total: 0 });
  expect(search({ limit: 1 }).total).toBe(249);
});

test('a page is sorted as asked, and may hold only what cannot be used', () => {
  const all = catalogue.list();
  const by = (compare: (a: BundleSummary, b: BundleSummary) => number) => refs(all.toSorted(compare));
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const sorted = (sort: BundleSearch['sort']) => refs(search({ sort, limit: 500 }).bundles);
  expect(sorted('name')).toEqual(refs(all));
  expect(sorted('-name')).toEqual(refs(all).toReversed());
  expect(sorted('created')).toEqual(by((a, b) => a.createdAt - b.createdAt || order(a.name, b.name)));
  expect(sorted('-created')).toEqual(sorted('created').toReversed());
  expect(refs(search({ sort: '-created', offset: 3, limit: 4, text: 'pump' }).bundles)).toEqual(sorted('-created').slice(3, 7));
  expect(search({ unsound: true })).toEqual({ bundles: [], total: 0 });
  const bad = all.filter((_, i) => i % 50 === 7);
  for (const one of bad) catalogue.blame(one, 'quarantined', { code: 'trust.unsigned', reason: 'Nobody signed it.' });
  expect(refs(search({ unsound: true }).bundles)).toEqual(refs(bad));
  expect(search({ unsound: true, limit: 1 }).total).toBe(bad.length);
  const [first] = bad;
  expect(refs(search({ unsound: true, text: `${first?.name}@${first?.version}` }).bundles)).toEqual(refs(bad.slice(0, 1)));
});
