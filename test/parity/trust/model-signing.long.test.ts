/**
 * The reference implementation of OpenSSF Model Signing and this program, each on what the other signed: see
 * test/conformance/model-signing/README.md for how to get it.
 */
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, ROOT } from '../../lib/cli.ts';
import { type Certified, certify, type CertificateOptions, person, type Person } from '../../unit/trust/signer.ts';
import { client, type Job, reference, run, statementOf, writeModel } from './oms.ts';

const PYTHON = process.env.EDGEWRIGHT_MODEL_SIGNING;
const OLD = (process.env.EDGEWRIGHT_MODEL_SIGNING_OLD ?? '').split(':').filter((one) => one !== '');
const noPython = PYTHON === undefined ? ' (skipped: EDGEWRIGHT_MODEL_SIGNING names no Python with model-signing 1.1)' : '';
const noOld = OLD.length === 0 ? ' (skipped: EDGEWRIGHT_MODEL_SIGNING_OLD names none)' : '';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-oms-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

let count = 0;
/** A new folder for one comparison. */
async function place(): Promise<string> {
  const path = join(dir, String(count++));
  await mkdir(path);
  return path;
}

/** Writes a person's keys. @returns their paths */
async function keysOf(who: Person, at: string, name = 'key'): Promise<{ key: string; public: string }> {
  const paths = { key: join(at, `${name}.pem`), public: join(at, `${name}.pub`) };
  await writeFile(paths.key, who.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(paths.public, who.publicPem);
  return paths;
}

const python = (...jobs: Job[]) => reference(PYTHON ?? '', jobs);
const OK = { ok: true };
const NOT = expect.objectContaining({ ok: false }) as object;

const SIMPLE = { 'signme-1': 'one\n', 'signme-2': 'two' };
const MODELS: [string, Record<string, string>, { ignore?: string[]; curve?: string; signed?: string[] }?][] = [
  ['two files', SIMPLE],
  ['P-384', SIMPLE, { curve: 'P-384' }],
  ['P-521', SIMPLE, { curve: 'P-521' }],
  ['one file in a folder', { 'model.bin': '\xef'.repeat(256) }],
  ['folders in folders', { 'a/b/c/d/e/f/w.bin': 'deep', 'a/b.bin': 'x', 'a-b': 'y', 'a.b': 'z' }],
  ['bytes that are no text', { 'w.bin': '\x00\x01\xff\xfe\x89PNG\r\n' }],
  ['an empty file', { 'empty.bin': '', w: 'x' }],
  ['names with blanks, brackets and quotes', { 'path with spaces/file (copy).bin': '1', "it's.bin": '2', 'a:b:1': '3', '#x': '4', '%41': '5' }],
  ['names in other scripts', { '模型.bin': '1', 'é.bin': '2', 'e\u0301.bin': '3', '😀.bin': '4', '\uffee.bin': '5' }],
  [
    'dot files, which are signed',
    { '.config': '1', '.env.example': '2', '.cache/w.bin': '3', m: '4' },
    { signed: ['.cache/w.bin', '.config', '.env.example', 'm'] },
  ],
  ['what belongs to git, which is not', { m: '1', '.gitignore': '2', '.gitattributes': '3', '.git/HEAD': '4', '.github/ci.yml': '5' }, { signed: ['m'] }],
  ['what belongs to git further down, which is', { m: '1', 'sub/.gitignore': '2', 'sub/.git/HEAD': '3' }, { signed: ['m', 'sub/.git/HEAD', 'sub/.gitignore'] }],
  [
    'an ignored file and one of the same name below',
    { 'ignore-me': '1', m: '2', 'sub/ignore-me': '3' },
    { ignore: ['ignore-me'], signed: ['m', 'sub/ignore-me'] },
  ],
  ['an ignored folder', { 'out/x': '1', 'out/y/z': '2', m: '3' }, { ignore: ['out'], signed: ['m'] }],
];

describe.skipIf(PYTHON === undefined)(`the reference implementation${noPython}`, () => {
  test.each(MODELS)('with a key: %s', async (_name, files, { ignore = [], curve = 'P-256', signed } = {}) => {
    const at = await place();
    const model = join(at, 'model');
    await writeModel(model, files);
    const keys = await keysOf(person(curve), at);
    const [ours, theirs] = [join(at, 'ours.sig'), join(at, 'theirs.sig')];
    const common = ['--method', 'key', '--model-path', model, ...ignore.flatMap((path) => ['--ignore-paths', join(model, path)])];
    expect(await client('sign-model', [...common, '--output-bundle', ours, '--private-key', keys.key])).toEqual(OK);
    const verify = { do: 'verify', model, public: keys.public } as const;
    expect(
      await python({ do: 'sign', model, signature: theirs, key: keys.key, ignore }, { ...verify, signature: ours }, { ...verify, signature: theirs }),
    ).toEqual([OK, OK, OK]);
    for (const bundle of [ours, theirs]) expect(await client('verify-model', [...common, '--bundle', bundle, '--public-key', keys.public])).toEqual(OK);

    const [we, they] = [statementOf(await readFile(ours)), statementOf(await readFile(theirs))];
    expect(we.predicate.resources.map((one) => one.name)).toEqual(signed ?? expect.any(Array));
    // Only the order of files may differ (it goes by parts of paths), and with it the digest over their digests.
    const sorted = ({ predicate }: typeof we) => [...predicate.resources].sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(sorted(we)).toEqual(sorted(they));
    expect(new Set(we.predicate.serialization.ignore_paths)).toEqual(new Set(they.predicate.serialization.ignore_paths));
    if (we.predicate.resources.every((one, i) => one.name === they.predicate.resources[i]?.name)) expect(we.subject).toEqual(they.subject);
  });

  const CHANGES: [string, (model: string) => Promise<void>, { unsigned?: boolean; holds?: boolean }?][] = [
    ['an altered file', (model) => writeFile(join(model, 'signme-1'), 'One\n')],
    ['an emptied file', (model) => writeFile(join(model, 'signme-1'), '')],
    ['a missing file', (model) => rm(join(model, 'signme-2'))],
    ['an added file', (model) => writeFile(join(model, 'more'), '')],
    ['an added file in a folder', (model) => writeModel(model, { 'sub/more': 'x' })],
    ['a renamed file', (model) => rename(join(model, 'signme-1'), join(model, 'signme-3'))],
    [
      'two files exchanged',
      async (model) => {
        await writeFile(join(model, 'signme-1'), 'two');
        await writeFile(join(model, 'signme-2'), 'one\n');
      },
    ],
    [
      'a link in the place of a file',
      async (model) => {
        await rename(join(model, 'signme-1'), join(model, '..', 'aside'));
        await writeModel(model, { 'signme-1': '->../aside' });
      },
    ],
    ['an added file, where such may be', (model) => writeFile(join(model, 'more'), ''), { unsigned: true, holds: true }],
    ['a missing file, where more may be', (model) => rm(join(model, 'signme-2')), { unsigned: true }],
    ['an altered file, where more may be', (model) => writeFile(join(model, 'signme-2'), 'Two'), { unsigned: true }],
    ['an added file of git', (model) => writeFile(join(model, '.gitignore'), 'x'), { holds: true }],
  ];
  test.each(CHANGES)('after signing: %s', async (_name, change, { unsigned = false, holds = false } = {}) => {
    const at = await place();
    const model = join(at, 'model');
    await writeModel(model, SIMPLE);
    const keys = await keysOf(person(), at);
    const [ours, theirs] = [join(at, 'ours.sig'), join(at, 'theirs.sig')];
    const common = ['--method', 'key', '--model-path', model];
    expect(await client('sign-model', [...common, '--output-bundle', ours, '--private-key', keys.key])).toEqual(OK);
    expect(await python({ do: 'sign', model, signature: theirs, key: keys.key })).toEqual([OK]);
    await change(model);
    const expected = holds ? OK : NOT;
    const verify = { do: 'verify', model, public: keys.public, unsigned } as const;
    expect(await python({ ...verify, signature: ours }, { ...verify, signature: theirs })).toEqual([expected, expected]);
    const more = unsigned ? ['--ignore-unsigned-files'] : [];
    for (const bundle of [ours, theirs])
      expect(await client('verify-model', [...common, '--bundle', bundle, '--public-key', keys.public, ...more])).toEqual(expected);
  });

  test.each<[string, Partial<Job>, Record<string, string>, boolean]>([
    ['by shards', { shard: 4 }, { a: '0123456789', b: '01234567', 'sub/c': 'x' }, true],
    ['by shards, with an empty file', { shard: 4 }, { a: '0123456789', empty: '' }, true],
    ['by shards larger than the files', { shard: 1_000_000_000 }, SIMPLE, true],
    ['by shards and BLAKE2b', { shard: 3, hash: 'blake2' }, { a: '0123456789' }, true],
    ['by BLAKE2b', { hash: 'blake2' }, SIMPLE, true],
    // Not in Node's library; optional in the specification.
    ['by BLAKE3', { hash: 'blake3' }, SIMPLE, false],
    ['with links inside the folder', { links: true }, { a: 'x', link: '->a', 'sub/b': 'y', folder: '->sub' }, true],
    ['with a link out of the folder', { links: true }, { a: 'x', link: '->../outside' }, true],
  ])('signed %s', async (_name, how, files, known) => {
    const at = await place();
    const model = join(at, 'model');
    await writeFile(join(at, 'outside'), 'outside');
    await writeModel(model, files);
    const keys = await keysOf(person(), at);
    const signature = join(at, 'theirs.sig');
    expect(await python({ do: 'sign', model, signature, key: keys.key, ...how })).toEqual([OK]);
    const verify = () => client('verify-model', ['--method', 'key', '--model-path', model, '--bundle', signature, '--public-key', keys.public]);
    expect(await verify()).toEqual(known ? OK : { ok: false, error: expect.stringContaining('trust.signature-unsupported') as string });
    await writeFile(join(model, 'a' in files ? 'a' : 'signme-1'), 'altered');
    expect(await verify()).toEqual(NOT);
  });

  test('what cannot be signed is refused by both: an empty folder, links, a circle of links', async () => {
    for (const files of [{ '.gitignore': '' }, { a: 'x', link: '->a' }, { a: 'x', link: '->.' }, { a: 'x', link: '->/nowhere' }]) {
      const at = await place();
      const model = join(at, 'model');
      await writeModel(model, files);
      const keys = await keysOf(person(), at);
      const signature = join(at, 'it.sig');
      expect(await client('sign-model', ['--method', 'key', '--model-path', model, '--output-bundle', signature, '--private-key', keys.key])).toEqual(NOT);
      // The reference signs a folder without files; the specification wants at least one.
      if ('a' in files) expect(await python({ do: 'sign', model, signature, key: keys.key })).toEqual([NOT]);
    }
  });

  test('a single file, by either', async () => {
    const at = await place();
    const model = join(at, 'model.onnx');
    await writeFile(model, 'model bytes');
    const keys = await keysOf(person(), at);
    const [ours, theirs] = [join(at, 'ours.sig'), join(at, 'theirs.sig')];
    expect(await client('sign-model', ['--method', 'key', '--model-path', model, '--output-bundle', ours, '--private-key', keys.key])).toEqual(OK);
    expect(await python({ do: 'sign', model, signature: theirs, key: keys.key })).toEqual([OK]);
    const verify = (bundle: string) => client('verify-model', ['--method', 'key', '--model-path', model, '--bundle', bundle, '--public-key', keys.public]);
    for (const bundle of [ours, theirs]) expect(await verify(bundle)).toEqual(OK);
    // The specification has it named by its file name (§6.1.2); the reference knows only its own ".".
    expect(statementOf(await readFile(ours)).predicate.resources).toMatchObject([{ name: 'model.onnx' }]);
    expect(await python({ do: 'verify', model, public: keys.public, signature: ours })).toEqual([NOT]);
    await writeFile(model, 'other bytes');
    for (const bundle of [ours, theirs]) expect(await verify(bundle)).toEqual(NOT);
  });

  test('a signature beside the files that it covers is none of them', async () => {
    const at = await place();
    await writeModel(join(at, 'model'), SIMPLE);
    const keys = await keysOf(person(), at);
    const model = join(at, 'model');
    const signature = join(model, 'bundle.sig');
    expect(await client('sign-model', ['--method', 'key', '--model-path', model, '--output-bundle', signature, '--private-key', keys.key])).toEqual(OK);
    expect(await client('verify-model', ['--method', 'key', '--model-path', model, '--bundle', signature, '--public-key', keys.public])).toEqual(OK);
    expect(await python({ do: 'verify', model, signature, public: keys.public })).toEqual([OK]);
  });

  describe('certificates', () => {
    const PAST = { from: new Date('2020-01-01'), until: new Date('2020-02-01') };
    const AHEAD = { from: new Date('2080-01-01'), until: new Date('2081-01-01') };
    const chained = async (root: CertificateOptions, mid: CertificateOptions, leaf: CertificateOptions) => {
      const authority = await certify('Root', { authority: true, ...root });
      const between = await certify('Intermediate', { authority: true, issuer: authority, pathLength: 0, ...mid });
      return { authority, between, leaf: await certify('Signer', { issuer: between, ...leaf }) };
    };
    /** What each makes of it; they differ where our judgement is the suite's. */
    const CASES: [string, () => ReturnType<typeof chained>, { ours: boolean; theirs: boolean }][] = [
      ['a chain of three', () => chained({}, {}, {}), { ours: true, theirs: true }],
      ['an expired signer', () => chained({}, {}, PAST), { ours: false, theirs: true }],
      ['a signer of the future', () => chained({}, {}, AHEAD), { ours: false, theirs: true }],
      ['an expired intermediate', () => chained({}, PAST, {}), { ours: false, theirs: true }],
      ['an expired root', () => chained(PAST, {}, {}), { ours: false, theirs: true }],
      ['an intermediate of the future', () => chained({}, AHEAD, {}), { ours: false, theirs: false }],
      ['a signer that is not for code', () => chained({}, {}, { purposes: ['1.3.6.1.5.5.7.3.1'] }), { ours: false, theirs: true }],
      ['an intermediate that may not issue', () => chained({}, { authority: false, purposes: ['1.3.6.1.5.5.7.3.3'] }, {}), { ours: false, theirs: false }],
    ];
    test.each(CASES)('%s', async (_name, make, expected) => {
      const { authority, between, leaf } = await make();
      const { at, ours, theirs, args, files } = await signedBy(leaf, [between]);
      await writeFile(join(at, 'root.pem'), authority.pem);
      const verify = { do: 'verify', model: files, authorities: [join(at, 'root.pem')] } as const;
      expect(await python({ ...verify, signature: ours }, { ...verify, signature: theirs })).toEqual(Array(2).fill(expected.theirs ? OK : NOT));
      for (const bundle of [ours, theirs])
        expect(await client('verify-model', [...args, '--bundle', bundle, '--cert-chain', join(at, 'root.pem')])).toEqual(expected.ours ? OK : NOT);
      // By the signer's key it is another method; by another authority it is nobody's.
      await writeFile(join(at, 'other.pem'), (await certify('Root', { authority: true })).pem);
      await writeFile(join(at, 'leaf.pub'), leaf.person.publicPem);
      const asKey = ['--method', 'key', '--model-path', files, '--public-key', join(at, 'leaf.pub')];
      for (const bundle of [ours, theirs]) {
        expect(await client('verify-model', [...args, '--bundle', bundle, '--cert-chain', join(at, 'other.pem')])).toEqual(NOT);
        expect(await client('verify-model', [...asKey, '--bundle', bundle])).toEqual(NOT);
      }
    });

    test('one that vouches for itself, where it is the one that is trusted', async () => {
      const own = await certify('Own');
      const { at, ours, theirs, args } = await signedBy(own, [own]);
      await writeFile(join(at, 'own.pem'), own.pem);
      for (const bundle of [ours, theirs]) expect(await client('verify-model', [...args, '--bundle', bundle, '--cert-chain', join(at, 'own.pem')])).toEqual(OK);
    });

    test('an altered file', async () => {
      const { authority, between, leaf } = await chained({}, {}, {});
      const { at, ours, theirs, args, files } = await signedBy(leaf, [between]);
      await writeFile(join(at, 'root.pem'), authority.pem);
      await writeFile(join(files, 'signme-1'), 'altered');
      const verify = { do: 'verify', model: files, authorities: [join(at, 'root.pem')] } as const;
      expect(await python({ ...verify, signature: ours }, { ...verify, signature: theirs })).toEqual([NOT, NOT]);
      for (const bundle of [ours, theirs])
        expect(await client('verify-model', [...args, '--bundle', bundle, '--cert-chain', join(at, 'root.pem')])).toEqual(NOT);
    });

    /** The simple model, signed by both with a certificate. */
    async function signedBy(leaf: Certified, chain: readonly Certified[]) {
      const at = await place();
      const files = join(at, 'model');
      await writeModel(files, SIMPLE);
      const { key } = await keysOf(leaf.person, at, 'leaf');
      const certificate = join(at, 'leaf-cert.pem');
      await writeFile(certificate, leaf.pem);
      const paths = chain.map((_, i) => join(at, `chain-${i}.pem`));
      for (const [i, one] of chain.entries()) await writeFile(paths[i] ?? '', one.pem);
      const [ours, theirs] = [join(at, 'ours.sig'), join(at, 'theirs.sig')];
      const args = ['--method', 'certificate', '--model-path', files];
      const chainArgs = paths.flatMap((path) => ['--cert-chain', path]);
      expect(await client('sign-model', [...args, '--output-bundle', ours, '--private-key', key, '--signing-cert', certificate, ...chainArgs])).toEqual(OK);
      expect(await python({ do: 'sign', model: files, signature: theirs, key, certificate, chain: paths })).toEqual([OK]);
      return { at, files, ours, theirs, args };
    }
  });

  test('a bundle that was built here and extracted, by its own command line', async () => {
    const at = await place();
    const home = join(at, 'home');
    expect((await cli(['bundle', 'build', join(ROOT, 'assets', 'sample-bundle')], { home })).code).toBe(0);
    const out = join(at, 'out');
    expect((await cli(['bundle', 'extract', 'digits@1.0.0', out], { home })).code).toBe(0);
    const module = () =>
      run(PYTHON ?? '', ['-m', 'model_signing', 'verify', 'key', '--signature', join(out, 'model.sig'), '--public_key', join(out, 'signer.pub'), out], '');
    expect(await module()).toMatchObject({ code: 0 });
    expect((await cli(['verify-signature', out, '--key', join(out, 'signer.pub')], { home })).code).toBe(0);
    await writeFile(join(out, 'more'), '');
    expect((await module()).code).not.toBe(0);
    expect((await cli(['verify-signature', out, '--key', join(out, 'signer.pub')], { home })).code).toBe(5);
  });
});

describe.skipIf(OLD.length === 0)(`its earlier releases${noOld}`, () => {
  const CURVES = ['P-256', 'P-384', 'P-521'];
  test.each(OLD.flatMap((old) => CURVES.map((curve) => [old, curve] as const)))('%s with a key on %s', async (old, curve) => {
    const authority = await certify('Root', { authority: true });
    const leaf = await certify('Signer', { issuer: authority });
    const at = await place();
    const model = join(at, 'model');
    await writeModel(model, { ...SIMPLE, "it's": '\x00', 'sub/é': 'x' });
    const keys = await keysOf(person(curve), at);
    const certified = await keysOf(leaf.person, at, 'leaf-key');
    await writeFile(join(at, 'leaf.pem'), leaf.pem);
    await writeFile(join(at, 'root.pem'), authority.pem);
    const [byKey, byCertificate] = [join(at, 'key.sig'), join(at, 'certificate.sig')];
    const sign = { do: 'sign', model, key: keys.key } as const;
    const [key, certificate] = await reference(old, [
      { ...sign, signature: byKey },
      { ...sign, signature: byCertificate, key: certified.key, certificate: join(at, 'leaf.pem'), chain: [join(at, 'root.pem')] },
    ]);
    expect(key).toEqual(OK);
    const asks = [['--method', 'key', '--model-path', model, '--bundle', byKey, '--public-key', keys.public]];
    // 0.3.1 stumbles over its own spelling there.
    if (certificate?.ok) asks.push(['--method', 'certificate', '--model-path', model, '--bundle', byCertificate, '--cert-chain', join(at, 'root.pem')]);
    else expect(certificate?.error).toContain('raw_byutes');
    const verify = () => Promise.all(asks.map((args) => client('verify-model', args)));
    expect(await verify()).toEqual(asks.map(() => OK));
    await cp(join(model, 'signme-1'), join(model, 'signme-2'));
    expect(await verify()).toEqual(asks.map(() => NOT));
  });
});
