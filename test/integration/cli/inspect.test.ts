/** `edgewright inspect`: what scripts rely on, what a person reads, for a file and for a bundle. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAttribute, makeNode, makeTensor, type ModelProto, serializeModel } from '#core/onnx';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const SAMPLE = join(ROOT, 'assets', 'sample-bundle');
const FORGED = 'name\nWarning: all is well\u001b[2J\u202e<b>\u0000';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
beforeAll(async () => {
  work = await throwAwayDir('inspect');
});
afterAll(() => work.remove());

test('a file: one document with the promised fields, and no workspace made for it', async () => {
  const home = join(work.dir, 'untouched');
  const run = await cli(['inspect', join(SAMPLE, 'model.onnx'), '--json', '--largest', '2'], { home });
  expect(run.code, run.stderr).toBe(0);
  expect(run.json()).toMatchObject({
    ok: true,
    inputs: [{ name: 'image', type: 'float32', dims: ['batch', 1, 8, 8] }],
    outputs: [{ name: 'logits' }],
    opsets: { 'ai.onnx': 18 },
    nodes: 17,
    parameters: 14822,
    bytes: (await stat(join(SAMPLE, 'model.onnx'))).size,
    producer: 'pytorch 2.15.0+cu132',
    framework: 'PyTorch',
    precision: { float32: 59272, int64: 32 },
    origin: { exporter: 'torch.onnx (TorchDynamo)', evidence: [expect.any(String), expect.any(String)] },
    tensors: { largest: [{ name: 'net.2.0.weight' }, {}] },
    warnings: [],
  });
  await expect(stat(home)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a bundle, by its name, its variant or a digest', async () => {
  const home = join(work.dir, 'home');
  const built = await cli(['bundle', 'build', SAMPLE, '--json'], { home });
  expect(built.code, built.stdout).toBe(0);
  const { digest } = built.json() as { digest: string };
  for (const ref of ['digits@1.0.0', 'digits@1.0.0#fp32', digest]) {
    const run = await cli(['inspect', ref, '--json'], { home });
    expect(run.code, run.stdout).toBe(0);
    expect(run.json()).toMatchObject({ ok: true, ref, nodes: 17, framework: 'PyTorch' });
  }
  const unknown = await cli(['inspect', 'nothing@1.0.0', '--json'], { home });
  expect([unknown.code, unknown.json()]).toMatchObject([64, { ok: false, error: { code: 'usage.unknown-bundle' } }]);
});

test('names that would forge lines are shown, not sent', async () => {
  const value = (name: string) => ({
    name,
    metadataProps: [],
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: FORGED }, { dimValue: 4n }] } } },
  });
  const proto: ModelProto = {
    irVersion: 10n,
    producerName: FORGED,
    producerVersion: FORGED,
    docString: FORGED,
    opsetImport: [
      { domain: '', version: 17n },
      { domain: FORGED, version: 1n },
    ],
    metadataProps: [{ key: FORGED, value: FORGED }],
    trainingInfo: [],
    functions: [],
    graph: {
      name: FORGED,
      node: [makeNode(FORGED, [FORGED], ['y'], { name: FORGED, domain: FORGED, attribute: [makeAttribute(FORGED, { int: 1 })] })],
      initializer: [
        makeTensor(FORGED, 'float32', [1, 4], new Float32Array(4)),
        {
          ...makeTensor(`${FORGED}2`, 'float32', [4], new Float32Array()),
          rawData: undefined,
          dataLocation: 1,
          externalData: [{ key: 'location', value: FORGED }],
        },
      ],
      input: [value(`${FORGED}in`)],
      output: [value('y')],
      valueInfo: [],
      quantizationAnnotation: [],
      sparseInitializer: [],
      metadataProps: [],
    },
  };
  const dir = join(work.dir, 'forged');
  await mkdir(dir);
  await writeFile(join(dir, 'model.onnx'), await serializeModel(proto));
  const run = await cli(['inspect', join(dir, 'model.onnx')], { home: work.dir });
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout).not.toMatch(/^Warning: all is well/m);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(run.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  expect(run.stdout).toContain('\\u{a}Warning');
});

test('what cannot be read says why', async () => {
  const file = join(work.dir, 'page.onnx');
  await writeFile(file, '<!doctype html><title>Not found</title>');
  const page = await cli(['inspect', file, '--json'], { home: work.dir });
  expect([page.code, page.json()]).toMatchObject([2, { ok: false, error: { code: 'model.not-onnx', hint: expect.any(String) } }]);
  const absent = await cli(['inspect', join(work.dir, 'absent.onnx'), '--json'], { home: work.dir });
  expect([absent.code, absent.json()]).toMatchObject([64, { ok: false, error: { owner: 'usage' } }]);
  const wrong = await cli(['inspect', file, '--largest', 'many'], { home: work.dir });
  expect(wrong.code).toBe(64);
});
