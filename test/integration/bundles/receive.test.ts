import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EdgewrightError } from '#contract';
import { type Admit, digestOf, type Registry } from '#core/bundles';
import { type Elsewhere, elsewhere, sourceOf } from './sources.ts';
import { admit, blobCount, corrupt, dir, keys, nothingLeft, registry, source, store } from './workspace.ts';

/** Another computer with this workspace's keys, as after a restore; and one of somebody unknown. */
let friend: Elsewhere;
let stranger: Elsewhere;
beforeEach(async () => {
  friend = await elsewhere(join(dir, 'friend'), keys);
  stranger = await elsewhere(join(dir, 'stranger'));
});
afterEach(() => {
  friend.close();
  stranger.close();
});

const REF = 'digits@1.0.0';
const waiting = () => readdir(join(dir, 'store', 'partial')).catch(() => []);

/** The model with another doc string: another file that answers the same. */
async function addVariant(to: Registry, name: string, precision = 'fp16') {
  const modelPath = join(dir, `${name}.onnx`);
  await writeFile(modelPath, Buffer.concat([await readFile(join(source, 'model.onnx')), Buffer.from([0x32, name.length]), Buffer.from(name)]));
  return to.addVariant(REF, { name, modelPath, precision });
}

test('a bundle comes in whole: every variant is checked and run, and it is the same bundle as where it came from', async () => {
  await friend.registry.build(source, { admit });
  await addVariant(friend.registry, 'half');
  const seen: string[] = [];
  const counting: Admit = async (candidate) => {
    seen.push(candidate.precision);
    expect(await readFile(join(candidate.dir, 'golden.npz'))).toEqual(await readFile(join(source, 'golden.npz')));
    return { ok: true, warnings: [{ code: 'x', message: 'said by a check' }] };
  };
  const warnings: string[] = [];
  const steps: string[] = [];
  const received = await registry.receive(await sourceOf(friend, REF), {
    admit: counting,
    onWarning: (w) => warnings.push(w.message),
    onProgress: (p) => steps.push(p.step),
  });
  const [there] = friend.registry.list();
  expect(received).toEqual(there);
  expect(registry.list()).toEqual([there]);
  expect(await registry.show(REF)).toEqual(await friend.registry.show(REF));
  expect(seen).toEqual(['fp32', 'fp16']);
  expect(warnings).toContain('said by a check');
  expect(steps).toContain('Receiving model.onnx');
  expect(await registry.verify(REF)).toMatchObject({ ok: true, signed: true });
  expect(await store.readIndex()).toEqual(await friend.store.readIndex());
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
  expect(await waiting()).toEqual([]);
});

test('only what is lacking is fetched, and the same bundle again fetches no file and changes nothing', async () => {
  await friend.registry.build(source, { admit });
  await registry.receive(await sourceOf(friend, REF), { admit });
  const before = await registry.verify(REF);
  await addVariant(friend.registry, 'half');
  const fetched: string[] = [];
  const more = await registry.receive(await sourceOf(friend, REF, { onFetch: (digest) => fetched.push(digest) }), { admit });
  expect(more.variants.map((v) => v.name)).toEqual(['fp32', 'half']);
  const model = friend.registry.resolve(`${REF}#half`).files.get('model.onnx')?.digest;
  const files = (await registry.show(REF)).files.map((file) => file.digest);
  expect(fetched).toContain(model);
  expect(fetched.filter((digest) => digest === files[0])).toEqual([]);
  expect(await registry.verify(REF)).toMatchObject({ ok: true, blobs: expect.any(Number) });
  fetched.length = 0;
  expect(await registry.receive(await sourceOf(friend, REF, { onFetch: (digest) => fetched.push(digest) }), { admit })).toEqual(more);
  expect(fetched).not.toContain(model);
  expect(before.ok).toBe(true);
});

test('cut off anywhere, it goes on from the last byte that came', { timeout: 120_000 }, async () => {
  await friend.registry.build(source, { admit });
  const total = (await friend.registry.show(REF)).files.filter((f) => f.bytes > 0).length;
  expect(total).toBeGreaterThan(5);
  let sent = 0;
  const starts: number[] = [];
  for (let tries = 1; ; tries++) {
    const broken = await sourceOf(friend, REF, {
      breakAfter: 30_000,
      onFetch: (_, start) => void (start > 0 && starts.push(start)),
      onSend: (bytes) => void (sent += bytes),
    });
    const outcome = await registry.receive(broken, { admit }).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) break;
    expect(outcome).toMatchObject({ code: 'ECONNRESET' });
    expect(registry.list()).toEqual([]);
    expect(await blobCount()).toBe(0);
    expect(tries).toBeLessThan(60);
  }
  expect(starts.length).toBeGreaterThan(0);
  const counted = (await friend.registry.show(REF)).files.filter((f) => /model|golden|calibration|test|example/.test(f.role));
  expect(sent).toBe(counted.reduce((sum, file) => sum + file.bytes, 0));
  expect(await registry.verify(REF)).toMatchObject({ ok: true });
  expect(await waiting()).toEqual([]);
});

test('what is altered on the way is refused, whichever byte of whichever part it is, and nothing is stored', { timeout: 120_000 }, async () => {
  await friend.registry.build(source, { admit });
  const index = (await friend.store.readIndex()).map((entry) => entry.digest);
  const all: string[] = [...index];
  for await (const { digest } of friend.store.list()) if (!all.includes(digest)) all.push(digest);
  for (const target of all) {
    const flip = (bytes: Buffer) => {
      const copy = Buffer.from(bytes);
      const at = Math.floor(copy.length * 0.7);
      copy[at] = (copy[at] ?? 0) ^ 0x10;
      return copy;
    };
    for (const change of [flip, (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])]) {
      const source = await sourceOf(friend, REF, { send: (digest, bytes) => (digest === target ? change(bytes) : bytes) });
      await expect(registry.receive(source, { admit }), target).rejects.toMatchObject({
        code: expect.stringMatching(/^store\.(digest|size)-mismatch$/),
        owner: 'trust',
      });
    }
  }
  await nothingLeft();
  expect(await waiting()).toEqual([]);
});

test('a bundle of a stranger, or without a signature, is visible and cannot be used', async () => {
  await stranger.registry.build(source, { admit });
  const received = await registry.receive(await sourceOf(stranger, REF), { admit });
  expect(received).toMatchObject({
    state: 'quarantined',
    signed: false,
    stateCode: 'trust.signer-unknown',
    stateReason: expect.stringContaining('not trusted here'),
  });
  expect(() => registry.resolve(REF)).toThrow(expect.objectContaining({ code: 'bundle.not-usable', owner: 'trust' }));
  await expect(registry.addVariant(REF, { name: 'x', precision: 'fp32', modelPath: join(source, 'model.onnx') })).rejects.toMatchObject({ owner: 'trust' });
  await registry.remove(REF);
  await nothingLeft();
  // One variant alone, and nothing that refers to it.
  const [variant] = stranger.registry.list()[0]?.variants ?? [];
  const digest = variant?.digest ?? '';
  const index = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: (await stranger.store.size(digest)) ?? 0 };
  const unsigned = { ...(await sourceOf(stranger, REF)), index, referrers: async () => [] };
  expect(await registry.receive(unsigned, { admit })).toMatchObject({ state: 'quarantined', stateCode: 'trust.unsigned', signed: false });
});

test('tools that copy an index and know no referrers carry the signatures too', async () => {
  await friend.registry.build(source, { admit });
  await addVariant(friend.registry, 'half');
  const copied = { ...(await sourceOf(friend, REF)), referrers: async () => [] };
  expect(await registry.receive(copied, { admit })).toEqual(friend.registry.list()[0]);
  expect(await registry.verify(REF)).toMatchObject({ ok: true, signed: true });
});

test('an index from which a tool dropped what it does not know is put right again', async () => {
  await friend.registry.build(source, { admit });
  const half = await addVariant(friend.registry, 'half');
  const real = await sourceOf(friend, REF);
  const index = JSON.parse((await friend.store.read(real.index.digest)).toString()) as { manifests: { artifactType?: string }[]; artifactType?: string };
  delete index.artifactType;
  for (const one of index.manifests) delete one.artifactType;
  const bytes = Buffer.from(JSON.stringify(index, null, 3));
  const copied: typeof real = {
    index: { ...real.index, digest: digestOf(bytes), size: bytes.length },
    fetch: (descriptor, options) => (descriptor.digest === digestOf(bytes) ? pieces(bytes) : real.fetch(descriptor, options)),
    referrers: async () => [],
  };
  expect(await registry.receive(copied, { admit })).toEqual(friend.registry.list()[0]);
  expect(registry.resolve(`${REF}#half`).variant).toEqual(half);
});

async function* pieces(bytes: Buffer) {
  yield bytes;
}

test('altered after it was signed: refused, not quarantined', async () => {
  await friend.registry.build(source, { admit });
  const real = await sourceOf(friend, REF);
  const variant = friend.registry.resolve(REF);
  const manifest = JSON.parse((await friend.store.read(variant.variant.digest)).toString()) as {
    layers: { digest: string; size: number; annotations: Record<string, string> }[];
  };
  const labels = Buffer.from('nought\none\n');
  const layer = manifest.layers.find((l) => l.annotations['org.cncf.model.filepath'] === 'labels.txt');
  Object.assign(layer ?? {}, { digest: digestOf(labels), size: labels.length });
  const forged = Buffer.from(JSON.stringify(manifest));
  const signature = (await friend.registry.show(REF)).referrers.find(({ kind }) => kind === 'signature')?.digest ?? '';
  const signatureManifest = JSON.parse((await friend.store.read(signature)).toString()) as { subject: { digest: string; size: number } };
  Object.assign(signatureManifest.subject, { digest: digestOf(forged), size: forged.length });
  const resigned = Buffer.from(JSON.stringify(signatureManifest));
  const made = new Map([labels, forged, resigned].map((bytes) => [digestOf(bytes), bytes]));
  const provider = {
    index: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(forged), size: forged.length },
    async *fetch(descriptor: { digest: string; size: number; mediaType: string }, options: { start: number; signal: AbortSignal }) {
      const bytes = made.get(descriptor.digest);
      if (bytes) yield bytes.subarray(options.start);
      else yield* real.fetch(descriptor, options);
    },
    referrers: async () => [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(resigned), size: resigned.length }],
  };
  await expect(registry.receive(provider, { admit })).rejects.toMatchObject({
    code: 'trust.files-differ',
    owner: 'trust',
    message: expect.stringContaining('labels.txt'),
  });
  await nothingLeft();
  // Without the signature nobody can tell that it was altered: it is a stranger's then.
  expect(await registry.receive({ ...provider, referrers: async () => [] }, { admit })).toMatchObject({ state: 'quarantined' });
});

test("other content under a taken name is refused; so is a stranger's variant for a sound bundle", async () => {
  const mine = await registry.build(source, { admit });
  await friend.registry.build(source, { admit });
  await stranger.registry.build(source, { admit });
  await addVariant(stranger.registry, 'theirs');
  // The same folder built twice differs in when, and by whom, it was built.
  await expect(registry.receive(await sourceOf(friend, REF), { admit })).rejects.toMatchObject({ code: 'bundle.version-taken', owner: 'input' });
  const theirs = await sourceOf(stranger, REF);
  const only = stranger.registry.resolve(`${REF}#theirs`).digest;
  const digest = stranger.registry.list()[0]?.variants[1]?.digest ?? only;
  const size = (await stranger.store.size(digest)) ?? 0;
  await expect(
    registry.receive({ ...theirs, index: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size } }, { admit }),
  ).rejects.toMatchObject({
    code: 'bundle.variant-unsigned',
    owner: 'trust',
  });
  expect(registry.list()).toEqual([mine]);
  expect(await readdir(join(dir, 'store', 'ingest'))).toEqual([]);
});

test('what a check refuses is not stored, and what had come of it is gone', async () => {
  await friend.registry.build(source, { admit });
  const refusal = new EdgewrightError({ code: 'bundle.golden-failed', message: 'It answers otherwise here.', owner: 'gate' });
  await expect(registry.receive(await sourceOf(friend, REF), { admit: () => Promise.reject(refusal) })).rejects.toBe(refusal);
  await nothingLeft();
  expect(await waiting()).toEqual([]);
  const stop = new AbortController();
  const cancelling: Admit = async () => {
    stop.abort();
    return { ok: true, warnings: [] };
  };
  await expect(registry.receive(await sourceOf(friend, REF), { admit: cancelling, signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
  await nothingLeft();
  expect((await waiting()).length).toBeGreaterThan(3);
  const fetched: string[] = [];
  await registry.receive(await sourceOf(friend, REF, { onSend: () => fetched.push('bytes') }), { admit });
  expect(fetched).toEqual([]);
});

test('a damaged bundle is made whole by receiving it again', async () => {
  await friend.registry.build(source, { admit });
  const received = await registry.receive(await sourceOf(friend, REF), { admit });
  for (const file of [registry.resolve(REF).files.get('model.onnx'), registry.resolve(REF).files.get('golden.npz')]) {
    await corrupt(file?.digest ?? '');
    expect(await registry.verify(REF)).toMatchObject({ ok: false });
    expect(await registry.receive(await sourceOf(friend, REF), { admit })).toEqual(received);
    expect(await registry.verify(REF)).toMatchObject({ ok: true });
  }
  await rm(store.path(registry.list()[0]?.variants[0]?.digest ?? ''));
  expect(await registry.verify(REF)).toMatchObject({ ok: false });
  expect(await registry.receive(await sourceOf(friend, REF), { admit })).toEqual(received);
  expect(await registry.verify(REF)).toMatchObject({ ok: true });
});

test('a part that was spoiled while it waited is noticed and fetched again', async () => {
  await friend.registry.build(source, { admit });
  await expect(registry.receive(await sourceOf(friend, REF, { breakAfter: 40_000 }), { admit })).rejects.toThrow();
  for (const name of await waiting()) {
    const path = join(dir, 'store', 'partial', name, 'data');
    const bytes = await readFile(path);
    await rm(path);
    await writeFile(path, Buffer.concat([bytes.fill(0, bytes.length - 1), Buffer.from('torn')]));
  }
  await registry.receive(await sourceOf(friend, REF), { admit });
  expect(await registry.verify(REF)).toMatchObject({ ok: true });
});
