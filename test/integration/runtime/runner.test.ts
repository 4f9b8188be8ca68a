import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asEdgewrightError } from '#contract';
import { castTensor, encodeNpz, float32Tensor, goldenRule, makeTensor, readNpz, sliceRows, type Tensor, toNumbers } from '#core/datasets';
import { evaluate, optimizeModel, runGolden, syntheticFeeds } from '#core/runtime';
import { digits, scratch, start } from './runners.ts';

describe('a real model', () => {
  test('meets its golden set, scores as in training, and answers the same whichever way the samples are cut', async () => {
    const runner = await start({ threads: 1 });
    const loaded = await runner.load({ path: digits('model.onnx'), profile: true });
    expect(loaded).toMatchObject({
      inputs: [{ name: 'image', type: 'float32', dims: ['batch', 1, 8, 8] }],
      outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 10] }],
      requested: ['cpu'],
      dropped: [],
    });
    expect(loaded.loadMs).toBeGreaterThan(0);

    const golden = await runGolden(runner, digits('golden.npz'), goldenRule('fp32'));
    expect(golden).toMatchObject({ pass: true, samples: 12 });
    expect(golden.maxAbsError).toBeLessThan(1e-4);

    const steps: string[] = [];
    const metric = await evaluate(runner, digits('test.npz'), { name: 'top1_accuracy', output: 'logits' }, { onProgress: (p) => steps.push(p.step) });
    expect(metric).toMatchObject({ value: 0.985, samples: 600, higherIsBetter: true });
    expect(metric.low).toBeCloseTo(0.9717403929844038, 12);
    expect(steps.at(-1)).toBe('600 of 600 samples');
    expect(await evaluate(runner, digits('test.npz'), { name: 'top1_accuracy', output: 'logits' }, { batch: 7 })).toEqual(metric);

    const use = await runner.providers();
    expect(Object.keys(use.actual)).toEqual(['cpu']);
    expect(use.actual.cpu).toBeGreaterThan(3);
    expect(use.fallbacks).toEqual([]);
    expect(await runner.providers()).toEqual(use);
  });

  test('a golden set that does not belong to it fails, naming the element', async () => {
    const runner = await start();
    await runner.load({ path: digits('model.onnx') });
    const arrays = await readNpz(digits('golden.npz'));
    const logits = arrays.get('out_logits') ?? float32Tensor([0], []);
    const wrong = toNumbers(logits);
    wrong[13] = (wrong[13] ?? 0) + 1;
    arrays.set('out_logits', castTensor(makeTensor('float64', logits.dims, wrong), 'float32'));
    expect(await runGolden(runner, encodeNpz(arrays), goldenRule('fp32'))).toMatchObject({
      pass: false,
      worst: expect.stringMatching(/^logits\[1,3\] expected .* found /),
    });
    arrays.delete('in_image');
    arrays.set('in_picture', float32Tensor([12], new Float32Array(12)));
    await expect(runGolden(runner, encodeNpz(arrays), goldenRule('fp32'))).rejects.toMatchObject({ owner: 'input' });
  });

  test('latency is measured inside, memory of the whole process, and a second load takes the first one’s place', async () => {
    const runner = await start();
    const { inputs } = await runner.load({ path: digits('model.onnx') });
    const feeds = syntheticFeeds(inputs, 2);
    const { outputs, latencyMs } = await runner.run(feeds);
    expect(outputs.logits?.dims).toEqual([2, 10]);
    expect(latencyMs).toBeGreaterThan(0);
    const { samplesMs } = await runner.benchmark({ feeds, runs: 20, warmup: 2 });
    expect(samplesMs).toHaveLength(20);
    expect(samplesMs.every((ms) => ms > 0)).toBe(true);
    const { now, peak } = await runner.memory();
    expect(peak).toBeGreaterThanOrEqual(now);
    expect(now).toBeGreaterThan(20e6);
    await runner.load({ path: digits('model.onnx'), optimization: 'disabled' });
    expect(toNumbers((await runner.run(feeds)).outputs.logits ?? float32Tensor([0], []))[0]).toBeCloseTo(
      toNumbers(outputs.logits ?? float32Tensor([0], []))[0] ?? 0,
      4,
    );
  });

  test('calls made at once are answered one after another, each with its own answer', async () => {
    const runner = await start();
    await runner.load({ path: digits('model.onnx') });
    const images = (await readNpz(digits('golden.npz'))).get('in_image') ?? float32Tensor([0], []);
    const whole = (await runner.run({ image: images })).outputs.logits ?? float32Tensor([0], []);
    const single = await Promise.all(Array.from({ length: 12 }, (_, i) => runner.run({ image: sliceRows(images, i, i + 1) })));
    single.forEach(({ outputs }, i) => {
      const row = toNumbers(sliceRows(whole, i, i + 1));
      toNumbers(outputs.logits ?? float32Tensor([0], [])).forEach((value, k) => expect(value).toBeCloseTo(row[k] ?? 0, 4));
    });
  });

  test('the optimized model is written whole and answers alike', async () => {
    const path = join(scratch, 'optimized.onnx');
    await optimizeModel(digits('model.onnx'), path, 'basic');
    const runner = await start();
    await runner.load({ path });
    expect(await runGolden(runner, digits('golden.npz'), goldenRule('fp32'))).toMatchObject({ pass: true });
    await expect(optimizeModel(digits('golden.npz'), join(scratch, 'none.onnx'), 'basic')).rejects.toMatchObject({ code: 'runtime.load-failed' });
    expect(readdirSync(scratch)).toEqual(['optimized.onnx']);
  });
});

describe('every element type crosses unchanged', () => {
  /** ONNX by hand: one Identity node. ModelProto{ir_version, graph, opset_import}; element type numbers of onnx.proto. */
  function identityModel(elementType: number): Buffer {
    const field = (number: number, bytes: Buffer) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
    const varint = (number: number, value: number) => Buffer.from([number << 3, value]);
    const text = (number: number, value: string) => field(number, Buffer.from(value));
    const shape = field(2, field(1, text(2, 'n')));
    const port = (name: string) => Buffer.concat([text(1, name), field(2, field(1, Buffer.concat([varint(1, elementType), shape])))]);
    const node = Buffer.concat([text(1, 'x'), text(2, 'y'), text(4, 'Identity')]);
    const graph = Buffer.concat([field(1, node), text(2, 'g'), field(11, port('x')), field(12, port('y'))]);
    return Buffer.concat([varint(1, 8), field(7, graph), field(8, varint(2, 17))]);
  }

  const cases: [number, Tensor][] = [
    [1, makeTensor('float32', [2], Float32Array.of(1.5, -0))],
    [11, makeTensor('float64', [2], Float64Array.of(0.1, -1e300))],
    [10, makeTensor('float16', [3], Uint16Array.of(0x3c01, 0x8000, 0x7c00))],
    [3, makeTensor('int8', [2], Int8Array.of(-128, 127))],
    [2, makeTensor('uint8', [2], Uint8Array.of(0, 255))],
    [5, makeTensor('int16', [2], Int16Array.of(-32768, 32767))],
    [4, makeTensor('uint16', [2], Uint16Array.of(0, 65535))],
    [6, makeTensor('int32', [2], Int32Array.of(-(2 ** 31), 2 ** 31 - 1))],
    [12, makeTensor('uint32', [2], Uint32Array.of(0, 2 ** 32 - 1))],
    [7, makeTensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n))],
    [13, makeTensor('uint64', [2], BigUint64Array.of(0n, 2n ** 64n - 1n))],
    [9, makeTensor('bool', [2], Uint8Array.of(1, 0))],
    [8, makeTensor('string', [3], ['', 'é漢😀', 'a"b\n'])],
    [1, makeTensor('float32', [0], new Float32Array(0))],
  ];

  test('there and back through ONNX Runtime', async () => {
    const runner = await start();
    for (const [elementType, x] of cases) {
      const path = join(scratch, 'identity.onnx');
      writeFileSync(path, identityModel(elementType));
      const loaded = await runner.load({ path });
      expect(loaded.inputs).toEqual([{ name: 'x', type: x.type, dims: ['n'] }]);
      expect((await runner.run({ x })).outputs.y).toEqual(x);
    }
    rmSync(join(scratch, 'identity.onnx'));
  });
});

describe('bad models and inputs', () => {
  test.each(['golden.npz', 'empty.onnx', 'cut.onnx'])('%s does not load, and the runner stays usable', async (name) => {
    const path = name === 'golden.npz' ? digits(name) : join(scratch, name);
    if (name === 'empty.onnx') writeFileSync(path, '');
    if (name === 'cut.onnx') writeFileSync(path, readFileSync(digits('model.onnx')).subarray(0, 30_000));
    const runner = await start();
    await expect(runner.load({ path })).rejects.toMatchObject({ code: 'runtime.load-failed', owner: 'input', found: expect.stringMatching(/.+/) });
    await expect(runner.run({})).rejects.toMatchObject({ code: 'runtime.no-model' });
    await runner.load({ path: digits('model.onnx') });
    expect(runner.alive).toBe(true);
    if (name !== 'golden.npz') rmSync(path);
  });

  test('a missing file is said to be missing', async () => {
    const error = asEdgewrightError(await (await start()).load({ path: join(scratch, 'nowhere.onnx') }).catch((e: unknown) => e));
    expect(error).toMatchObject({ code: 'usage.missing-file', owner: 'usage' });
  });

  test('inputs that do not fit fail the run and nothing else', async () => {
    const runner = await start();
    await runner.load({ path: digits('model.onnx') });
    await expect(runner.run({ image: float32Tensor([1, 1, 9, 9], new Float32Array(81)) })).rejects.toMatchObject({
      code: 'runtime.run-failed',
      owner: 'input',
    });
    await expect(runner.run({})).rejects.toMatchObject({ code: 'runtime.run-failed', found: expect.stringContaining('image') });
    expect((await runner.run({ image: float32Tensor([1, 1, 8, 8], new Float32Array(64)) })).outputs.logits?.dims).toEqual([1, 10]);
  });
});

describe('execution providers', () => {
  test('one that this build lacks is reported as dropped, and its nodes as fallen back', async () => {
    const runner = await start();
    const loaded = await runner.load({ path: digits('model.onnx'), providers: ['openvino', 'cpu'] });
    expect(loaded).toMatchObject({ requested: ['openvino', 'cpu'], dropped: ['openvino'] });
    const use = await runner.providers(syntheticFeeds(loaded.inputs));
    expect(use.actual.openvino).toBeUndefined();
    expect(use.fallbacks[0]).toMatchObject({ provider: 'cpu', reason: expect.stringContaining('openvino') });
    expect(use.fallbacks).toHaveLength(use.actual.cpu ?? 0);
  });

  test.each([
    [['openvino', 'cpu'], true],
    [['openvino'], false],
    [['cuda', 'cpu'], false],
  ])('%j, strict %s, is refused when it cannot be had', async (providers, strict) => {
    await expect((await start()).load({ path: digits('model.onnx'), providers, strict })).rejects.toMatchObject({
      code: 'runtime.provider-failed',
      owner: 'machine',
    });
  });

  test('strict on the CPU is no contradiction', async () => {
    const runner = await start();
    expect(await runner.load({ path: digits('model.onnx'), providers: ['cpu'], strict: true })).toMatchObject({ dropped: [] });
  });
});
