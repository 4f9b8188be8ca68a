/** Who is trusted decides which bundles can be used: at once, after a restart, in another process, and against forgery. */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCatalogue, openRegistry, openStore, readBundleManifest, type Registry, verifyVariantSignature } from '#core/bundles';
import { openTrustList, readSignerText, type TrustList, trustKeys } from '#core/trust';
import { type Certified, certify, person, signAs } from '../../unit/trust/signer.ts';
import { type Elsewhere, elsewhere, sourceOf } from './sources.ts';
import { admit, catalogue, corrupt, dir, keyring, source, store } from './workspace.ts';

const REF = 'digits@1.0.0';
const ABOUT = { administrator: false, addedBy: 'test', now: 1_700_000_000_000 };

let friend: Elsewhere;
let trust: TrustList;
/** The workspace, with a list of trusted signers. */
let registry: Registry;
beforeEach(async () => {
  friend = await elsewhere(join(dir, 'friend'));
  await friend.registry.build(source, { admit });
  trust = openTrustList(join(dir, 'keys'), keyring);
  registry = await openRegistry({ store, catalogue, keyring, trust });
});
afterEach(() => friend.close());

const trustFriend = () => trust.add(readSignerText(friend.keyring.publicKeyPem), { ...ABOUT, name: 'Friend' });
const receive = async () => registry.receive(await sourceOf(friend, REF), { admit });
const variantDigest = () => registry.list()[0]?.variants[0]?.digest ?? '';

test("the bundle of a trusted signer is usable, carries this workspace's signature too, and a device takes it", async () => {
  const signer = await trustFriend();
  expect(await receive()).toMatchObject({ state: 'sound', signed: true, digest: friend.registry.list()[0]?.digest });
  const { signatures } = await registry.show(REF);
  expect(signatures).toMatchObject([
    { trusted: true, variant: 'fp32' },
    { trusted: true, variant: 'fp32' },
  ]);
  expect(signatures.find((one) => one.kind === 'self')).toMatchObject({ signer: keyring.fingerprint, acceptedFrom: [signer.id] });
  expect(signatures.find((one) => one.kind === 'signer')).toMatchObject({ name: 'Friend', signer: friend.keyring.fingerprint });
  // The device knows the workspace's key and nobody else's.
  const device = await openStore(join(dir, 'device'));
  const closure = await registry.manifestClosure(variantDigest());
  for (const { digest, size } of closure) await device.put(store.stream(digest), { digest, size });
  const brought = closure.map((entry) => entry.digest);
  expect(await verifyVariantSignature(device, variantDigest(), trustKeys([keyring.publicKeyPem]), brought)).toMatchObject({ signer: keyring.fingerprint });
  expect(await readBundleManifest(device, variantDigest())).toMatchObject({ name: 'digits' });
  // Receiving it again changes nothing.
  const entries = await store.readIndex();
  await receive();
  expect(await store.readIndex()).toEqual(entries);
});

test('who is trusted later releases what waited, after reading it; who is trusted no longer quarantines it at once', async () => {
  expect(await receive()).toMatchObject({ state: 'quarantined', stateCode: 'trust.signer-unknown', signed: false });
  await trustFriend();
  expect(await registry.trustChanged()).toEqual({ quarantined: [], released: [REF] });
  expect(registry.resolve(REF)).toMatchObject({ name: 'digits' });
  // What removing somebody would do can be asked before; asking changes nothing.
  expect(registry.restingOn(trust.find('Friend').id)).toEqual([REF]);
  expect(registry.restingOn('0'.repeat(64))).toEqual([]);
  expect(() => trust.find(keyring.fingerprint)).toThrow(expect.objectContaining({ code: 'trust.own-key' }));
  expect(registry.resolve(REF)).toMatchObject({ name: 'digits' });
  await trust.remove('Friend');
  // Even before the catalogue hears of it.
  expect(() => registry.resolve(REF)).toThrow(expect.objectContaining({ code: 'bundle.not-usable', owner: 'trust' }));
  expect(await registry.trustChanged()).toEqual({ quarantined: [REF], released: [] });
  expect(registry.list()[0]).toMatchObject({ state: 'quarantined', signed: false, stateCode: expect.stringMatching(/^trust\.signer-/) });
  expect(() => registry.resolve(REF)).toThrow(expect.objectContaining({ code: 'bundle.not-usable' }));
  await expect(registry.manifestClosure(variantDigest()).then(() => registry.signForDevices(REF))).rejects.toMatchObject({ code: 'bundle.not-usable' });
  // Trusted again, the signature that was made for him counts again, and no other one is added.
  const entries = await store.readIndex();
  await trustFriend();
  expect(await registry.trustChanged()).toEqual({ quarantined: [], released: [REF] });
  expect(await store.readIndex()).toEqual(entries);
});

test('what was damaged while it waited is not released, and damage stays found whoever is trusted', async () => {
  await receive();
  const golden = (await registry.show(REF)).files.find((file) => file.role === 'golden')?.digest ?? '';
  const whole = await readFile(store.path(golden));
  await corrupt(golden);
  await trustFriend();
  expect(await registry.trustChanged()).toEqual({ quarantined: [], released: [] });
  expect(registry.list()[0]).toMatchObject({ state: 'quarantined', stateCode: 'store.blob-altered' });
  await trust.remove('Friend');
  await registry.trustChanged();
  await trustFriend();
  await registry.trustChanged();
  expect(registry.list()[0]).toMatchObject({ stateCode: 'store.blob-altered' });
  await chmod(store.path(golden), 0o644);
  await writeFile(store.path(golden), whole);
  expect(await registry.verify(REF)).toMatchObject({ ok: true });
  expect(registry.list()[0]).toMatchObject({ state: 'sound' });
});

test('what this workspace built itself is touched by no change of the list', async () => {
  await registry.build(source, { admit });
  await trustFriend();
  expect(await registry.trustChanged()).toEqual({ quarantined: [], released: [] });
  await trust.remove('Friend');
  expect(await registry.trustChanged()).toEqual({ quarantined: [], released: [] });
  expect(registry.list()[0]).toMatchObject({ state: 'sound' });
});

test('a signer with two bundles takes both along; one that somebody else signed as well stays', async () => {
  const second = await elsewhere(join(dir, 'second'));
  await trustFriend();
  await trust.add(readSignerText(second.keyring.publicKeyPem), { ...ABOUT, name: 'Second' });
  // Second accepted what Friend made, so both signed it.
  const seconds = await openRegistry({
    store: second.store,
    catalogue: openCatalogue(join(dir, 'second.db')),
    keyring: second.keyring,
    trust: { anchors: () => trustKeys([friend.keyring.publicKeyPem]) },
  });
  await seconds.receive(await sourceOf(friend, REF), { admit });
  await registry.receive(await sourceOf(second, REF), { admit });
  await trust.remove('Friend');
  expect(await registry.trustChanged()).toEqual({ quarantined: [], released: [] });
  expect(registry.resolve(REF)).toBeDefined();
  await trust.remove('Second');
  expect(await registry.trustChanged()).toEqual({ quarantined: [REF], released: [] });
  second.close();
});

test('another process, a restart, and a catalogue made anew judge alike', async () => {
  await trustFriend();
  await receive();
  await trust.remove('Friend');
  const again = openCatalogue(join(dir, 'again.db'));
  for (const how of [catalogue, again]) {
    const reopened = await openRegistry({ store, catalogue: how, keyring, trust });
    expect(reopened.list()[0]).toMatchObject({ state: 'quarantined', signed: false });
    expect(() => reopened.resolve(REF)).toThrow(expect.objectContaining({ code: 'bundle.not-usable' }));
  }
  await trustFriend();
  // A catalogue made from the blobs alone finds two good signatures.
  expect((await openRegistry({ store, catalogue: openCatalogue(join(dir, 'third.db')), keyring, trust })).list()[0]).toMatchObject({ state: 'sound' });
  // One that knew it quarantined waits until it is read.
  const waiting = await openRegistry({ store, catalogue: again, keyring, trust });
  expect(waiting.list()[0]).toMatchObject({ state: 'quarantined', stateCode: 'bundle.unverified' });
  expect(await waiting.verify(REF)).toMatchObject({ ok: true });
  expect(waiting.list()[0]).toMatchObject({ state: 'sound' });
  again.close();
});

test('an authority stands for everyone it certified, as long as it is trusted and the certificate is valid', async () => {
  const authority = await certify('Site CA', { authority: true });
  const ada = await certify('Ada', { issuer: authority });
  await trust.add(readSignerText(authority.pem), { ...ABOUT, name: 'Site CA' });
  await receive();
  await replaceSignature([ada]);
  await registry.rebuild();
  expect((await registry.show(REF)).signatures).toMatchObject([{ trusted: true, name: 'Ada (certified by Site CA)' }]);
  expect(await registry.verify(REF)).toMatchObject({ ok: true });
  expect((await registry.show(REF)).signatures.map((one) => one.kind)).toContain('self');
  await trust.remove('Site CA');
  expect(await registry.trustChanged()).toEqual({ quarantined: [REF], released: [] });
});

/** Puts a signature over the same files in the place of the one that came along. */
async function replaceSignature(chain: Certified[], subject = variantDigest()): Promise<void> {
  const [signer] = chain;
  const who = signer?.person ?? person();
  const { files } = await registry.show(REF);
  const set = { subject: 'digits', files: files.map(({ path, digest }) => ({ name: path, digest })), ignorePaths: [] };
  await listSignature(
    signAs(
      who,
      set,
      chain.map((one) => one.certificate),
    ),
    subject,
  );
}

async function listSignature(bundle: Buffer, subject: string, listedSubject = subject): Promise<void> {
  const type = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  const content = await store.put(bundle);
  const empty = await store.put(Buffer.from('{}'));
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: type,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', ...empty },
    layers: [{ mediaType: type, ...content }],
    subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: subject, size: (await store.size(subject)) ?? 1 },
  };
  const stored = await store.put(Buffer.from(JSON.stringify(manifest)));
  const entries = (await store.readIndex()).filter((entry) => entry.artifactType !== type);
  await store.exclusively(() =>
    store.writeIndex([...entries, { mediaType: manifest.mediaType, artifactType: type, ...stored, annotations: { 'dev.edgewright.subject': listedSubject } }]),
  );
}

test('a good signature over something else signs nothing: other bytes, another subject, a claim in the list only', async () => {
  await trustFriend();
  await receive();
  const digest = variantDigest();
  const { files } = await registry.show(REF);
  const named = files.map(({ path, digest: d }) => ({ name: path, digest: d }));
  const other = { subject: 'x', ignorePaths: [], files: named.map((f, i) => (i === 0 ? { ...f, digest: `sha256:${'0'.repeat(64)}` } : f)) };
  const friendly = await certify('Friendly');
  await trust.add(readSignerText(friendly.person.publicPem), { ...ABOUT, name: 'Friendly' });
  const whole = { subject: 'x', ignorePaths: [], files: named };
  const attempts: [string, Buffer, string, string, string][] = [
    ['one file of another digest', signAs(friendly.person, other), digest, digest, 'trust.files-differ'],
    ['one file fewer', signAs(friendly.person, { ...whole, files: named.slice(1) }), digest, digest, 'trust.files-differ'],
    [
      'one file more',
      signAs(friendly.person, { ...whole, files: [...named, { name: 'more', digest: `sha256:${'1'.repeat(64)}` }] }),
      digest,
      digest,
      'trust.files-differ',
    ],
    ['of another variant, listed as of this one', signAs(friendly.person, whole), `sha256:${'2'.repeat(64)}`, digest, 'trust.unsigned'],
    ['by a stranger', signAs(person(), whole), digest, digest, 'trust.signer-unknown'],
  ];
  for (const [name, bundle, subject, listed, code] of attempts) {
    await listSignature(bundle, subject, listed);
    await registry.rebuild();
    expect(registry.list()[0], name).toMatchObject({ state: 'quarantined', stateCode: code, signed: false });
    expect(() => registry.resolve(REF), name).toThrow(expect.objectContaining({ code: 'bundle.not-usable' }));
  }
  await listSignature(signAs(friendly.person, whole), digest);
  await registry.rebuild();
  expect(registry.list()[0]).toMatchObject({ state: 'sound' });
});

test('a person may decide to sign what nobody trusted signed, once it passed its checks; not what is damaged or altered', async () => {
  await receive();
  const failing = async () => {
    throw new Error('it does not load');
  };
  await expect(registry.sign(REF, { admit: failing })).rejects.toThrow('it does not load');
  expect(registry.list()[0]).toMatchObject({ state: 'quarantined' });
  const golden = (await registry.show(REF)).files.find((file) => file.role === 'golden')?.digest ?? '';
  const whole = await readFile(store.path(golden));
  await corrupt(golden);
  await expect(registry.sign(REF, { admit })).rejects.toMatchObject({ code: 'bundle.not-to-be-signed', owner: 'trust' });
  await writeFile(store.path(golden), whole);
  // Whole again, it is known for damaged until it is read.
  expect(await registry.verify(REF)).toMatchObject({ ok: false });
  const seen: string[] = [];
  const counting: typeof admit = async (candidate) => {
    seen.push(candidate.precision);
    return admit(candidate);
  };
  expect(await registry.sign(REF, { admit: counting })).toMatchObject({ state: 'sound', signed: true });
  expect(seen).toEqual(['fp32']);
  const own = (await registry.show(REF)).signatures.find((one) => one.trusted);
  expect(own).toMatchObject({ kind: 'self' });
  expect(own).not.toHaveProperty('acceptedFrom');
  await expect(registry.sign(REF, { admit })).rejects.toMatchObject({ code: 'bundle.signed-already', owner: 'usage' });
  // It stands for itself: who else is trusted no longer matters.
  await trustFriend();
  await registry.trustChanged();
  await trust.remove('Friend');
  expect(await registry.trustChanged()).toEqual({ quarantined: [], released: [] });
});

test('what takes the place of a bundle while it is checked is not signed in its stead', async () => {
  await receive();
  const other = await elsewhere(join(dir, 'other'));
  await writeFile(join(source, 'labels.txt'), 'other\n'.repeat(10));
  await other.registry.build(source, { admit });
  const swap: typeof admit = async (candidate) => {
    await registry.remove(REF);
    await registry.receive(await sourceOf(other, REF), { admit });
    return admit(candidate);
  };
  await expect(registry.sign(REF, { admit: swap })).rejects.toMatchObject({ code: 'bundle.changed' });
  expect(registry.list()).toMatchObject([{ state: 'quarantined', signed: false, digest: other.registry.list()[0]?.digest }]);
  other.close();
});

test('of two that remove a bundle, one is told that it is gone', async () => {
  await receive();
  const outcomes = await Promise.allSettled([registry.remove(REF), registry.remove(REF)]);
  expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'usage.unknown-bundle' } }]);
});

test('a quarantined bundle can be looked at and removed, and nothing else', async () => {
  await receive();
  expect(await registry.show(REF)).toMatchObject({ state: 'quarantined', signatures: [{ trusted: false, problem: expect.any(String) }] });
  expect(await registry.verify(REF)).toMatchObject({ ok: false, signed: false, bad: [{ problem: expect.stringContaining('not trusted') }] });
  const refused = expect.objectContaining({ code: 'bundle.not-usable', owner: 'trust' });
  expect(() => registry.resolve(REF)).toThrow(refused);
  await expect(registry.addVariant(REF, { name: 'x', precision: 'fp16', modelPath: 'x' })).rejects.toThrow(refused);
  await registry.remove(REF);
  expect(registry.list()).toEqual([]);
  expect(await store.readIndex()).toEqual([]);
  await rm(join(dir, 'keys'), { recursive: true, force: true });
});
