/** What refers to a variant: altered, of another, by a stranger, too large, too many; and what comes after the bundle did. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BundleProvider, type Descriptor, digestOf } from '#core/bundles';
import { attest, BOM_PREDICATE, type Keyring } from '#core/trust';
import { type Elsewhere, elsewhere, sourceOf } from './sources.ts';
import { admit, blobCount, catalogue, dir, keyring, keys, registry, reopen, source, store } from './workspace.ts';

const REF = 'digits@1.0.0';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const BOM = 'application/vnd.cyclonedx+json';
const SIGSTORE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const ACCURATE = { name: 'top1_accuracy', value: 0.98, low: 0.96, high: 0.99 };

/** Another computer with this workspace's keys, and one of somebody unknown. */
let friend: Elsewhere;
let stranger: Elsewhere;
let variant: Descriptor;
let bill: Record<string, unknown>;
beforeEach(async () => {
  friend = await elsewhere(join(dir, 'friend'), keys);
  stranger = await elsewhere(join(dir, 'stranger'));
  const built = await friend.registry.build(source, { admit });
  const digest = built.variants[0]?.digest ?? '';
  variant = { mediaType: MANIFEST, digest, size: (await friend.store.size(digest)) ?? 0 };
  bill = JSON.parse((await friend.registry.bom(REF)).text) as Record<string, unknown>;
});
afterEach(() => {
  friend.close();
  stranger.close();
});

interface Made {
  entry: Descriptor;
  documents: Buffer[];
}

function referrer(type: string, content: Buffer, annotations: Record<string, string> = {}): Made {
  const empty = Buffer.from('{}');
  const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const parts = { config: descriptor('application/vnd.oci.empty.v1+json', empty), layers: [descriptor(type, content)] };
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, artifactType: type, ...parts, subject: variant, annotations }));
  return { entry: descriptor(MANIFEST, manifest), documents: [content, empty, manifest] };
}

const billReferrer = (document: unknown) => referrer(BOM, Buffer.from(`${JSON.stringify(document, null, 2)}\n`));

function statement(by: Pick<Keyring, 'sign' | 'publicKeyPem'>, document: unknown, about = variant.digest): Made {
  const signed = attest(by, { name: 'digits@1.0.0#fp32', digest: about }, BOM_PREDICATE, document);
  return referrer(SIGSTORE, signed, { 'dev.sigstore.bundle.predicateType': BOM_PREDICATE });
}

/** The variant alone as a source, with what refers to it there as far as it is kept, and more. */
async function offering(more: readonly Made[], keep: (kind: string) => boolean = () => true): Promise<BundleProvider> {
  const real = await sourceOf(friend, REF);
  const kinds = new Map((await friend.registry.show(REF)).referrers.map(({ digest, kind }) => [digest, kind]));
  const made = new Map(more.flatMap(({ documents }) => documents).map((bytes) => [digestOf(bytes), bytes]));
  return {
    index: variant,
    async *fetch(descriptor, options) {
      const bytes = made.get(descriptor.digest);
      if (bytes) yield bytes.subarray(options.start);
      else yield* real.fetch(descriptor, options);
    },
    referrers: async (subject, signal) => [
      ...(await real.referrers(subject, signal)).filter(({ digest }) => keep(kinds.get(digest) ?? '')),
      ...more.map(({ entry }) => entry),
    ],
  };
}

async function receive(provider: BundleProvider): Promise<string[]> {
  const warnings: string[] = [];
  await registry.receive(provider, { admit, onWarning: ({ message }) => warnings.push(message) });
  return warnings;
}

/** Everything that would show that something was taken in. */
const state = async () => ({ list: registry.list(), entries: await store.readIndex(), blobs: await blobCount(), shown: await registry.show(REF) });

async function sound(): Promise<void> {
  expect(await registry.verify(REF)).toMatchObject({ ok: true, warnings: [] });
  expect(await registry.verifyStore()).toMatchObject({ ok: true, extra: [] });
  expect(await registry.collectGarbage({ dryRun: true })).toMatchObject({ blobs: 0 });
}

const OTHER = { metadata: {} };
const changed = (change: (copy: { components: { hashes: { content: string }[] }[] }) => void) => {
  const copy = structuredClone(bill) as Parameters<typeof change>[0];
  change(copy);
  return copy;
};

test('a bill that is altered, of other files, no bill at all or too large is refused, first and later', async () => {
  const isNoBill = (kind: string) => kind === 'signature';
  const noStatement = (kind: string) => kind !== 'bom';
  const otherFile = changed((copy) => Object.assign(copy.components[0]?.hashes[0] ?? {}, { content: '0'.repeat(64) }));
  const lacksFile = changed((copy) => copy.components.pop());
  const vast = { ...bill, filler: 'x'.repeat(2 * 1024 * 1024) };
  const pair = (document: unknown) => [billReferrer(document), statement(keyring, document)];
  const attempts: [string, readonly Made[], (kind: string) => boolean][] = [
    // The statement is ours and says otherwise.
    ['trust.bom-altered', [billReferrer({ ...bill, version: 7 })], noStatement],
    ['trust.bom-other', pair(otherFile), isNoBill],
    ['trust.bom-other', pair(lacksFile), isNoBill],
    ['trust.bom-malformed', pair(OTHER), isNoBill],
    ['trust.bom-too-large', pair(vast), isNoBill],
  ];
  const refusals = async () => {
    for (const [code, more, keep] of attempts) await expect(receive(await offering(more, keep)), code).rejects.toMatchObject({ code, owner: 'trust' });
  };
  await refusals();
  expect(registry.list()).toEqual([]);
  expect(await blobCount()).toBe(0);
  await receive(await offering([]));
  const before = await state();
  await refusals();
  expect(await state()).toEqual(before);
  await sound();
});

test('a bill by a stranger, or whose statement is about another variant, is left out, and said so', async () => {
  await receive(await offering([]));
  const before = await state();
  const lies = { ...bill, version: 9 };
  for (const more of [
    [billReferrer(lies), statement(stranger.keyring, lies)],
    [billReferrer(lies), statement(keyring, lies, `sha256:${'0'.repeat(64)}`)],
    [billReferrer(lies)],
  ]) {
    expect((await receive(await offering(more))).join('\n')).toContain('left out');
    expect(await state()).toEqual(before);
  }
  await sound();
});

test('brought along with a bundle, a bill of a stranger is kept and shown, and this workspace makes its own', async () => {
  const lies = { ...bill, version: 9 };
  await receive(await offering([billReferrer(lies), statement(stranger.keyring, lies)], (kind) => kind === 'signature'));
  const { referrers } = await registry.show(REF);
  expect(referrers.filter(({ kind }) => kind === 'bom')).toEqual([
    expect.objectContaining({ valid: true, signer: keyring.fingerprint, revision: 1 }),
    expect.objectContaining({ valid: false, code: 'trust.signer-unknown', problem: expect.any(String) }),
  ]);
  // What it made is the very bill that the builder made.
  expect(JSON.parse((await registry.bom(REF)).text)).toEqual(bill);
  await sound();
  // A device is sent only what counts.
  const closure = await registry.manifestClosure(variant.digest);
  expect(closure.filter(({ role, mediaType }) => role !== 'manifest' && mediaType === MANIFEST).map(({ role }) => role)).toEqual(
    expect.arrayContaining(['signature', 'bom', 'attestation']),
  );
  expect(closure.filter(({ mediaType }) => mediaType === BOM)).toHaveLength(1);
});

test('however many strangers attach something, what counts has room, and what is kept is bounded', async () => {
  const crowd = Array.from({ length: 61 }, (_, i) => statement(stranger.keyring, { ...bill, version: 100 + i }));
  const warnings = await receive(await offering(crowd));
  expect(warnings.join('\n')).toMatch(/more refers to a variant than is kept/);
  expect((await registry.show(REF)).referrers.length).toBeLessThan(30);
  expect(registry.list()).toMatchObject([{ state: 'sound' }]);
  await sound();
  const before = await state();
  expect((await receive(await offering(crowd.slice(40, 45)))).join('\n')).toContain('left out');
  expect(await state()).toEqual(before);
});

test('what comes later and counts is taken in: the next revision of the bill replaces the one before, and an older one does not come back', async () => {
  const old = await offering([]);
  await receive(old);
  const [first] = registry.list();
  const blobs = await blobCount();
  const oldEntries = await friend.store.readIndex();
  const oldDocuments = new Map<string, Buffer>();
  for await (const { digest } of friend.store.list()) oldDocuments.set(digest, await friend.store.read(digest, 2 ** 30));
  await friend.registry.noteMetric({ name: 'digits', version: '1.0.0' }, 'fp32', ACCURATE);
  await receive(await sourceOf(friend, REF));
  expect(JSON.parse((await registry.bom(REF)).text)).toMatchObject({ version: 2, serialNumber: bill.serialNumber });
  expect(await blobCount()).toBe(blobs);
  expect(registry.list()[0]?.variants).toEqual(first?.variants);
  await sound();
  const before = await state();
  const replay: BundleProvider = {
    index: variant,
    async *fetch({ digest }, { start }) {
      yield (oldDocuments.get(digest) ?? Buffer.alloc(0)).subarray(start);
    },
    referrers: async (subject) => oldEntries.filter((entry) => entry.annotations?.['dev.edgewright.subject'] === subject),
  };
  await receive(replay);
  expect(await state()).toEqual(before);
});

test('a bundle that came without its signature is released when all of it comes again with it', async () => {
  await receive(await offering([], () => false));
  expect(registry.list()).toMatchObject([{ state: 'quarantined', stateCode: 'trust.unsigned' }]);
  await receive(await sourceOf(friend, REF));
  expect(registry.list()).toMatchObject([{ state: 'sound', signed: true }]);
  await sound();
});

test('cut off after the list was written, the next that opens the store finds what came', async () => {
  await receive(await offering([], (kind) => kind === 'signature'));
  catalogue.close();
  const file = join(dir, 'catalogue.db');
  await cp(file, join(dir, 'before.db'));
  await reopen();
  await registry.noteMetric({ name: 'digits', version: '1.0.0' }, 'fp32', ACCURATE);
  const more = statement(keyring, { ...bill, version: 3 });
  await receive(await offering([billReferrer({ ...bill, version: 3 }), more], (kind) => kind === 'signature'));
  const after = await state();
  expect(JSON.parse((await registry.bom(REF)).text)).toMatchObject({ version: 3 });
  // As if it had been killed then: everything is written but the catalogue.
  catalogue.close();
  for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
  await cp(join(dir, 'before.db'), file);
  await reopen();
  expect(await state()).toEqual(after);
  await sound();
});

test('a bill that is exchanged in the store quarantines the bundle, and bundle sign makes a new one', async () => {
  await receive(await offering([]));
  const bad = billReferrer({ ...bill, version: 7 });
  for (const bytes of bad.documents) await store.put(bytes);
  const entries = await store.readIndex();
  const entry = { ...bad.entry, artifactType: BOM, annotations: { 'dev.edgewright.subject': variant.digest } };
  await store.exclusively(() => store.writeIndex([...entries.filter(({ artifactType }) => artifactType !== BOM), entry]));
  catalogue.close();
  await reopen();
  expect(registry.list()).toMatchObject([{ state: 'quarantined', stateCode: 'trust.bom-altered' }]);
  expect(() => registry.resolve(REF)).toThrow(expect.objectContaining({ code: 'bundle.not-usable', hint: expect.stringContaining('bundle sign') }));
  expect(await registry.verify(REF)).toMatchObject({ ok: false, signed: true, bad: [{ digest: bad.entry.digest, affects: expect.stringContaining('bill') }] });
  await expect(registry.bom(REF)).rejects.toMatchObject({ code: 'trust.bom-altered', owner: 'trust' });
  await registry.sign(REF, { admit });
  expect(registry.list()).toMatchObject([{ state: 'sound' }]);
  expect(JSON.parse((await registry.bom(REF)).text)).toEqual(bill);
});
