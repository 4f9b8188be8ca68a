import { symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataType, embedExternalData, externalFiles, makeTensor, readModel, type TensorProto, tensorData, type TypeName, writeModel } from '#core/onnx';
import { saved, small, tempDir } from './models.ts';

function typed(type: TypeName, dims: number[], parts: Partial<TensorProto>): TensorProto {
  return { name: 't', dataType: DataType[type], dims: dims.map(BigInt), stringData: [], externalData: [], metadataProps: [], ...parts };
}

describe('elements of tensors', () => {
  const cases: [TypeName, Parameters<typeof makeTensor>[3]][] = [
    ['float32', Float32Array.of(1.5, -2, 3, 4)],
    ['float64', Float64Array.of(1.5, -2, 3, 4)],
    ['int8', Int8Array.of(-128, 0, 5, 127)],
    ['uint8', Uint8Array.of(0, 1, 2, 255)],
    ['int16', Int16Array.of(-32768, 0, 1, 32767)],
    ['int32', Int32Array.of(-1, 0, 1, 2)],
    ['int64', BigInt64Array.of(-(2n ** 63n), 0n, 1n, 2n)],
    ['uint64', BigUint64Array.of(2n ** 64n - 1n, 0n, 1n, 2n)],
    ['bool', Uint8Array.of(0, 1, 1, 0)],
    ['float16', Uint16Array.of(0x3c00, 0, 0xffff, 1)],
    ['bfloat16', Uint16Array.of(0x3f80, 0, 1, 2)],
    ['float8e4m3fn', Uint8Array.of(1, 2, 3, 4)],
    ['string', ['a', 'ü', '', 'd']],
  ];
  it.each(cases)('%s comes back as it was made', async (type, data) => {
    expect(await tensorData('/', makeTensor('t', type, [2, 2], data))).toEqual(data);
  });

  it('keeps 4-bit elements packed, two to a byte, the odd one alone', async () => {
    expect(await tensorData('/', makeTensor('t', 'int4', [3], Uint8Array.of(0x21, 0x03)))).toEqual(Uint8Array.of(0x21, 0x03));
    await expect(tensorData('/', makeTensor('t', 'uint4', [3], Uint8Array.of(1, 2, 3)))).rejects.toMatchObject({ code: 'model.tensor-length' });
  });

  it('reads the typed fields, negative numbers included', async () => {
    const minusOne = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    expect(await tensorData('/', typed('int8', [2], { int32Data: Uint8Array.of(...minusOne, 5) }))).toEqual(Int8Array.of(-1, 5));
    expect(await tensorData('/', typed('int64', [2], { int64Data: Uint8Array.of(...minusOne, 5) }))).toEqual(BigInt64Array.of(-1n, 5n));
    expect(await tensorData('/', typed('float32', [1], { floatData: new Uint8Array(Float32Array.of(2.5).buffer) }))).toEqual(Float32Array.of(2.5));
  });

  it.each([
    ['too few bytes', typed('float32', [4], { rawData: new Uint8Array(12) })],
    ['too many bytes', typed('float32', [4], { rawData: new Uint8Array(20) })],
    ['no bytes for a huge tensor', typed('float32', [1 << 20, 1 << 20], {})],
    ['too few numbers', typed('int32', [4], { int32Data: Uint8Array.of(1, 2) })],
    ['too many numbers', typed('int32', [1], { int32Data: Uint8Array.of(1, 2) })],
    ['too few strings', typed('string', [2], { stringData: [] })],
  ])('refuses %s', async (_what, tensor) => {
    await expect(tensorData('/', tensor)).rejects.toMatchObject({ code: 'model.tensor-length', owner: 'input' });
  });

  it('refuses dimensions whose product cannot be counted', async () => {
    await expect(tensorData('/', typed('float32', [2 ** 33, 2 ** 33], {}))).rejects.toMatchObject({ code: 'model.bad-dims' });
    await expect(tensorData('/', typed('float32', [-1, 4], {}))).rejects.toMatchObject({ code: 'model.bad-dims' });
  });
});

describe('external data', () => {
  const weights = Float32Array.from({ length: 12 }, (_, i) => i / 4);
  const external = (entries: Record<string, string>): TensorProto =>
    typed('float32', [4, 3], { name: 'w', dataLocation: 1, externalData: Object.entries(entries).map(([key, value]) => ({ key, value })) });
  async function modelWith(entries: Record<string, string>) {
    const dir = await tempDir();
    await writeFile(join(dir, 'w.bin'), Buffer.concat([Buffer.alloc(64), Buffer.from(weights.buffer)]));
    const read = await readModel(await saved(small({ initializers: [external(entries)] }), dir));
    const tensor = read.graph.initializer[0];
    if (!tensor) throw new Error('no tensor');
    return { read, tensor, dir };
  }

  it('is read from its place in the file', async () => {
    const { read, tensor, dir } = await modelWith({ location: 'w.bin', offset: '64', length: '48' });
    expect(await tensorData(read.dir, tensor)).toEqual(weights);
    expect(await externalFiles(read)).toEqual([join(dir, 'w.bin')]);
  });

  it('can be put inside the model', async () => {
    const { read, dir } = await modelWith({ location: 'w.bin', offset: '64' });
    const path = join(dir, 'whole.onnx');
    await writeModel(await embedExternalData(read), path);
    await truncate(join(dir, 'w.bin'));
    const whole = await readModel(path);
    const tensor = whole.graph.initializer[0];
    expect(tensor && (await tensorData(whole.dir, tensor))).toEqual(weights);
    expect(await externalFiles(whole)).toEqual([]);
  });

  it.each([
    [{ location: '../w.bin' }, 'model.external-outside'],
    [{ location: 'sub/../../w.bin' }, 'model.external-outside'],
    [{ location: '/etc/hostname' }, 'model.external-outside'],
    [{ location: '..\\w.bin' }, 'model.external-outside'],
    [{ location: 'C:w.bin' }, 'model.external-outside'],
    [{ location: 'w\0.bin' }, 'model.external-outside'],
    [{ location: 'absent.bin' }, 'model.external-missing'],
    [{ location: '.' }, 'model.external-not-a-file'],
    [{}, 'model.external-unclear'],
    [{ location: 'w.bin', offset: '-64' }, 'model.external-range'],
    [{ location: 'w.bin', offset: '0x40' }, 'model.external-range'],
    [{ location: 'w.bin', offset: '100000000000' }, 'model.external-short'],
    [{ location: 'w.bin', offset: '80' }, 'model.external-short'],
    [{ location: 'w.bin', offset: '0', length: '200' }, 'model.external-length'],
  ])('refuses %j', async (entries, code) => {
    const { read, tensor } = await modelWith(entries);
    await expect(tensorData(read.dir, tensor)).rejects.toMatchObject({ code, owner: 'input' });
  });

  it('refuses a link that leads out of the folder, and follows one that stays inside', async () => {
    const { read, tensor, dir } = await modelWith({ location: 'link.bin', offset: '64' });
    const elsewhere = await tempDir();
    await writeFile(join(elsewhere, 'secret.bin'), Buffer.alloc(200));
    await symlink(join(elsewhere, 'secret.bin'), join(dir, 'link.bin'));
    await expect(tensorData(read.dir, tensor)).rejects.toMatchObject({ code: 'model.external-outside' });
    const inner = await modelWith({ location: 'link.bin', offset: '64' });
    await symlink('w.bin', join(inner.dir, 'link.bin'));
    expect(await tensorData(inner.read.dir, inner.tensor)).toEqual(weights);
  });
});
