import { execFileSync } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { anchorsFrom, judgeFolder, type JudgeOptions, readSignerText } from '#core/trust';
import { digestOf } from '#core/bundles';
import { person, signAs } from './signer.ts';

const FIXTURES = new URL('../../fixtures/oms/', import.meta.url);
const CONTENT = { 'model.onnx': 'model bytes', 'sub/w.bin': 'x', 'sub-a': 'y', 'é.txt': 'z' };

let dir: string;
let model: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-judge-'));
  model = join(dir, 'model');
  await mkdir(join(model, 'sub'), { recursive: true });
  for (const [name, text] of Object.entries(CONTENT)) await writeFile(join(model, name), text);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const fixture = (name: string) => readFile(new URL(name, FIXTURES));
const trusting = async (...names: string[]) =>
  anchorsFrom(await Promise.all(names.map(async (name) => ({ name, material: readSignerText((await fixture(name)).toString()) }))));

async function judge(signature: Uint8Array, options: Partial<JudgeOptions> & Pick<JudgeOptions, 'anchors'>, target = model) {
  return judgeFolder(target, signature, { signaturePath: join(dir, 'model.sig'), ignore: [], ignoreUnsigned: false, now: Date.now(), ...options });
}

const me = person();
const MY_ANCHORS = anchorsFrom([{ name: 'me', material: readSignerText(me.publicPem) }]);
const files = (content: Record<string, string> = CONTENT) => Object.entries(content).map(([name, text]) => ({ name, digest: digestOf(text) }));
const mine = (content: Record<string, string> = CONTENT, ignorePaths: string[] = []) => signAs(me, { subject: 'model', files: files(content), ignorePaths });

test.each([
  ['p256.sig', 'p256.pub', { method: 'key', serialization: { method: 'files', hash: 'sha256' } }],
  ['p384.sig', 'p384.pub', { method: 'key' }],
  ['p521.sig', 'p521.pub', { method: 'key' }],
  ['certificate.sig', 'ca.pem', { method: 'certificate', signer: { subject: 'Fixture signer', name: 'Fixture signer (certified by ca.pem)' } }],
  ['shards.sig', 'any.pub', { serialization: { method: 'shards', shardSize: 4 } }],
  ['blake2b.sig', 'any.pub', { serialization: { hash: 'blake2b' } }],
  ['v0.3.1.sig', 'old.pub', { warnings: [] }],
  ['v0.2.0-key.sig', 'old.pub', { warnings: [{ code: 'signature.deprecated' }] }],
  ['v0.2.0-certificate.sig', 'ca.pem', { method: 'certificate', warnings: [{ code: 'signature.deprecated' }] }],
])('the reference implementation made %s; it holds, and stops holding with one changed byte', async (name, key, expected) => {
  const [signature, anchors] = [await fixture(name), await trusting(key)];
  expect(await judge(signature, { anchors })).toMatchObject({ files: 4, bytes: 14, ...expected });
  await writeFile(join(model, 'sub/w.bin'), 'X');
  await expect(judge(signature, { anchors })).rejects.toMatchObject({ code: 'trust.files-differ', message: expect.stringContaining('sub/w.bin was altered') });
});

test('one signed file, whatever it is called in the signature', async () => {
  const target = join(model, 'model.onnx');
  expect(await judge(await fixture('single.sig'), { anchors: await trusting('any.pub') }, target)).toMatchObject({ files: 1, bytes: 11 });
  const named = signAs(me, { subject: 'model.onnx', files: files({ 'model.onnx': 'model bytes' }), ignorePaths: [] });
  expect(await judge(named, { anchors: MY_ANCHORS }, target)).toMatchObject({ files: 1 });
  await writeFile(target, 'Model bytes');
  await expect(judge(await fixture('single.sig'), { anchors: await trusting('any.pub') }, target)).rejects.toMatchObject({ code: 'trust.files-differ' });
  // Over a folder with one file it says nothing.
  await expect(judge(await fixture('single.sig'), { anchors: await trusting('any.pub') })).rejects.toMatchObject({ code: 'trust.files-differ' });
});

test('what this program cannot judge is refused, and named', async () => {
  await expect(judge(await fixture('blake3.sig'), { anchors: await trusting('any.pub') })).rejects.toMatchObject({
    code: 'trust.signature-unsupported',
    message: expect.stringContaining('blake3'),
  });
  const keyless = JSON.parse((await fixture('p256.sig')).toString());
  keyless.verificationMaterial = { certificate: { rawBytes: 'AAAA' }, tlogEntries: [{}] };
  await expect(judge(Buffer.from(JSON.stringify(keyless)), { anchors: MY_ANCHORS })).rejects.toMatchObject({
    code: 'trust.signature-unsupported',
    hint: expect.stringContaining('network'),
  });
});

test('a method that was not asked for does not count, whatever the key', async () => {
  const both = await trusting('p256.pub', 'ca.pem');
  await expect(judge(await fixture('p256.sig'), { anchors: both, method: 'certificate' })).rejects.toMatchObject({ code: 'trust.signature-method' });
  await expect(judge(await fixture('certificate.sig'), { anchors: both, method: 'key' })).rejects.toMatchObject({ code: 'trust.signature-method' });
});

test('missing and extra files are named before anything is hashed; extra ones may be allowed, altered and missing ones never', async () => {
  const signature = mine();
  await writeFile(join(model, 'injected.bin'), '!');
  await rm(join(model, 'sub-a'));
  await expect(judge(signature, { anchors: MY_ANCHORS })).rejects.toMatchObject({
    message: expect.stringMatching(/sub-a is signed but missing; injected\.bin is not signed/),
  });
  await expect(judge(signature, { anchors: MY_ANCHORS, ignoreUnsigned: true })).rejects.toMatchObject({ message: expect.stringContaining('sub-a') });
  await writeFile(join(model, 'sub-a'), 'y');
  expect(await judge(signature, { anchors: MY_ANCHORS, ignoreUnsigned: true })).toMatchObject({ files: 4 });
  await writeFile(join(model, 'sub-a'), 'Y');
  await expect(judge(signature, { anchors: MY_ANCHORS, ignoreUnsigned: true })).rejects.toMatchObject({
    message: expect.stringContaining('sub-a was altered'),
  });
});

test('left out: what git keeps and the signature itself, at the top only; what the signer or the caller names, by exact path', async () => {
  const signaturePath = join(model, 'model.sig');
  await writeFile(signaturePath, 'anything');
  for (const name of ['.git', '.github']) {
    await mkdir(join(model, name));
    await writeFile(join(model, name, 'x'), 'x');
  }
  await writeFile(join(model, '.gitignore'), 'x');
  expect(await judge(mine(), { anchors: MY_ANCHORS, signaturePath })).toMatchObject({ files: 4, warnings: [] });
  await writeFile(join(model, 'sub', '.gitignore'), 'x');
  await expect(judge(mine(), { anchors: MY_ANCHORS, signaturePath })).rejects.toMatchObject({
    message: expect.stringContaining('sub/.gitignore is not signed'),
  });
  expect(await judge(mine(), { anchors: MY_ANCHORS, signaturePath, ignore: ['sub/.gitignore'] })).toMatchObject({ files: 4 });
  await rm(join(model, 'sub', '.gitignore'));
  await mkdir(join(model, 'cache'));
  await writeFile(join(model, 'cache', 'x'), 'x');
  expect(await judge(mine(CONTENT, ['cache']), { anchors: MY_ANCHORS, signaturePath })).toMatchObject({
    warnings: [{ code: 'signature.left-out', message: expect.stringContaining('cache') }],
  });
  await expect(judge(mine(CONTENT, ['cach']), { anchors: MY_ANCHORS, signaturePath })).rejects.toMatchObject({ code: 'trust.files-differ' });
});

test('two names that look alike are two files', async () => {
  const decomposed = 'é.txt'.normalize('NFD');
  await cp(join(model, 'é.txt'), join(model, decomposed));
  await expect(judge(mine(), { anchors: MY_ANCHORS })).rejects.toMatchObject({ code: 'trust.files-differ' });
  await rm(join(model, 'é.txt'));
  await expect(judge(mine(), { anchors: MY_ANCHORS })).rejects.toMatchObject({ code: 'trust.files-differ' });
});

test('a name that is no text cannot pass for one', async () => {
  await writeFile(Buffer.concat([Buffer.from(`${model}/`), Buffer.from([0x67, 0xff])]), 'x');
  await expect(judge(mine(), { anchors: MY_ANCHORS, ignoreUnsigned: true })).rejects.toMatchObject({
    code: 'trust.folder-unfit',
    message: expect.stringContaining('UTF-8'),
  });
});

/** The folder signed by the reference implementation with links allowed, which our own signer never does. */
function allowingLinks(content: Record<string, string>): Buffer {
  const bundle = JSON.parse(mine(content).toString());
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString());
  statement.predicate.serialization.allow_symlinks = true;
  return resign(statement);
}

function resign(statement: unknown): Buffer {
  const bundle = JSON.parse(mine().toString());
  const payload = Buffer.from(JSON.stringify(statement));
  const type = 'application/vnd.in-toto+json';
  bundle.dsseEnvelope.payload = payload.toString('base64');
  bundle.dsseEnvelope.signatures[0].sig = sign(
    'sha256',
    Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]),
    me.privateKey,
  ).toString('base64');
  return Buffer.from(JSON.stringify(bundle));
}

test('links are refused unless the signer allowed them; then they are followed, never in circles, and what lies outside is said', async () => {
  await writeFile(join(dir, 'outside'), 'o');
  await symlink('../outside', join(model, 'link'));
  const withLink = { ...CONTENT, link: 'o' };
  await expect(judge(mine(withLink), { anchors: MY_ANCHORS })).rejects.toMatchObject({
    code: 'trust.folder-unfit',
    message: expect.stringContaining('symbolic link'),
  });
  // Allowed to lie about unsigned, a link still is no signed file.
  await expect(judge(mine(withLink), { anchors: MY_ANCHORS, ignoreUnsigned: true })).rejects.toMatchObject({ code: 'trust.files-differ' });
  expect(await judge(mine(), { anchors: MY_ANCHORS, ignoreUnsigned: true })).toMatchObject({ files: 4 });
  expect(await judge(allowingLinks(withLink), { anchors: MY_ANCHORS })).toMatchObject({ files: 5, warnings: [{ code: 'signature.links-outside' }] });
  await rm(join(dir, 'outside'));
  await expect(judge(allowingLinks(withLink), { anchors: MY_ANCHORS })).rejects.toMatchObject({
    code: 'trust.folder-unfit',
    message: expect.stringContaining('link to nothing'),
  });
  await rm(join(model, 'link'));
  await symlink('..', join(model, 'sub', 'up'));
  await expect(judge(allowingLinks(CONTENT), { anchors: MY_ANCHORS })).rejects.toMatchObject({
    code: 'trust.folder-unfit',
    message: expect.stringContaining('a link into a folder that it lies in'),
  });
});

test('files of a linked folder count as signed by their own paths there, which is how some signers list them; those of a folder elsewhere do not', async () => {
  await symlink('sub', join(model, 'linked'));
  expect(await judge(allowingLinks(CONTENT), { anchors: MY_ANCHORS })).toMatchObject({ files: 4 });
  expect(await judge(allowingLinks({ ...CONTENT, 'linked/w.bin': 'x' }), { anchors: MY_ANCHORS })).toMatchObject({ files: 5 });
  await writeFile(join(model, 'sub', 'more'), '');
  await expect(judge(allowingLinks(CONTENT), { anchors: MY_ANCHORS })).rejects.toMatchObject({ code: 'trust.files-differ' });
  await rm(join(model, 'sub', 'more'));
  await mkdir(join(dir, 'elsewhere'));
  await writeFile(join(dir, 'elsewhere', 'w.bin'), 'x');
  await symlink('../elsewhere', join(model, 'far'));
  await expect(judge(allowingLinks(CONTENT), { anchors: MY_ANCHORS })).rejects.toMatchObject({
    code: 'trust.files-differ',
    message: expect.stringContaining('far/w.bin is not signed'),
  });
});

test('pipes are not waited for', async () => {
  execFileSync('mkfifo', [join(model, 'pipe')]);
  await expect(judge(mine(), { anchors: MY_ANCHORS })).rejects.toMatchObject({ code: 'trust.folder-unfit' });
  await rm(join(model, 'sub-a'));
  execFileSync('mkfifo', [join(model, 'sub-a')]);
  await expect(judge(mine(), { anchors: MY_ANCHORS, ignoreUnsigned: true })).rejects.toMatchObject({ code: 'trust.files-differ' });
});

test('a file that changes while it is read is refused, and a cancel stops the reading', async () => {
  await writeFile(join(model, 'model.onnx'), '');
  await truncate(join(model, 'model.onnx'), 64 * 1024 * 1024);
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const signature = signAs(me, {
    subject: 'model',
    files: files().map((f) => (f.name === 'model.onnx' ? { ...f, digest: digestOf(zeros) } : f)),
    ignorePaths: [],
  });
  expect(await judge(signature, { anchors: MY_ANCHORS })).toMatchObject({ bytes: 64 * 1024 * 1024 + 3 });
  let changed = false;
  const onProgress = () => {
    if (changed) return;
    changed = true;
    appendFileSync(join(model, 'model.onnx'), '+');
  };
  await expect(judge(signature, { anchors: MY_ANCHORS, onProgress })).rejects.toMatchObject({
    code: 'trust.folder-unfit',
    message: expect.stringContaining('changed'),
  });
  const stop = new AbortController();
  await expect(judge(signature, { anchors: MY_ANCHORS, signal: stop.signal, onProgress: () => stop.abort() })).rejects.toMatchObject({ name: 'AbortError' });
});

test('shards must cover a file without gap, overlap or rest; an empty file is covered by none, which is said', async () => {
  const anchors = await trusting('any.pub');
  await writeFile(join(model, 'empty'), '');
  expect(await judge(await fixture('shards.sig'), { anchors })).toMatchObject({ warnings: [{ code: 'signature.empty-files' }] });
  await rm(join(model, 'empty'));
  for (const text of ['model byte', 'model bytes+', 'model by']) {
    await writeFile(join(model, 'model.onnx'), text);
    await expect(judge(await fixture('shards.sig'), { anchors })).rejects.toMatchObject({ code: 'trust.files-differ' });
  }
  const shards = JSON.parse(Buffer.from(JSON.parse((await fixture('shards.sig')).toString()).dsseEnvelope.payload, 'base64').toString());
  for (const change of [
    (names: string[]) => names.map((name) => name.replace(':4:8', ':5:8')),
    (names: string[]) => names.map((name) => name.replace(':8:11', ':8:13')),
    (names: string[]) => names.filter((name) => !name.endsWith(':4:8')),
    (names: string[]) => names.map((name) => name.replace(':0:4', ':0:04')),
    (names: string[]) => names.map((name) => name.replace('model.onnx', '../model.onnx')),
  ]) {
    const resources = shards.predicate.resources as { name: string; digest: string }[];
    const names = change(resources.map((one) => one.name));
    const changed = names.map((name, i) => ({ ...resources[Math.min(i, resources.length - 1)], name }));
    const root = createHash('sha256')
      .update(Buffer.from(changed.map((one) => one.digest).join(''), 'hex'))
      .digest('hex');
    const statement = { ...shards, subject: [{ name: 'model', digest: { sha256: root } }], predicate: { ...shards.predicate, resources: changed } };
    await expect(judge(resign(statement), { anchors: MY_ANCHORS })).rejects.toMatchObject({ code: expect.stringMatching(/signature-malformed|files-differ/) });
  }
});

test('the old encoding is believed for the old form only', async () => {
  const bundle = JSON.parse(mine().toString());
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64');
  const type = 'application/vnd.in-toto+json';
  bundle.dsseEnvelope.signatures[0].sig = sign(
    'sha256',
    Buffer.from(`DSSEV1 ${type.length} ${type} ${payload.length} b'${payload.toString()}'`),
    me.privateKey,
  ).toString('base64');
  await expect(judge(Buffer.from(JSON.stringify(bundle)), { anchors: MY_ANCHORS })).rejects.toMatchObject({ code: 'trust.signature-wrong' });
});
