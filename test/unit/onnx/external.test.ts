import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AttributeType,
  checkStructure,
  embedExternalData,
  externalizeModel,
  externalFiles,
  makeAttribute,
  makeNode,
  makeTensor,
  type ModelProto,
  type OnnxModel,
  readModel,
  type TensorProto,
  tensorData,
  writeModel,
} from '#core/onnx';
import { graph, model, saved, tempDir, value } from './models.ts';

const floats = (length: number, start = 0) => Float32Array.from({ length }, (_, i) => start + i);

/** Two large weights, a small one, text, one in a typed field, and one inside a subgraph. */
function many(): ModelProto {
  const inner = graph({
    node: [makeNode('Identity', ['deep'], ['t'])],
    output: [value('t')],
    initializer: [makeTensor('deep', 'float32', [2000], floats(2000, 5))],
  });
  const branch = { ...makeAttribute('then_branch', { int: 0 }), i: undefined, g: inner, type: AttributeType.graph };
  const typed: TensorProto = {
    ...makeTensor(
      'typed',
      'int32',
      [400],
      Int32Array.from({ length: 400 }, (_, i) => i % 100),
    ),
    rawData: undefined,
    int32Data: Uint8Array.from({ length: 400 }, (_, i) => i % 100),
  };
  return model({
    node: [makeNode('If', ['c'], ['y'], { attribute: [branch, { ...branch, name: 'else_branch' }] })],
    input: [value('c', [], 9)],
    output: [value('y')],
    initializer: [
      makeTensor('large', 'float32', [300_000], floats(300_000)),
      makeTensor('../../escape', 'float32', [500], floats(500)),
      makeTensor('small', 'float32', [10], floats(10)),
      makeTensor(
        'words',
        'string',
        [300],
        Array.from({ length: 300 }, (_, i) => `word ${i}`),
      ),
      typed,
    ],
  });
}

async function values(read: OnnxModel): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const inner = read.graph.node[0]?.attribute[0]?.g?.initializer ?? [];
  for (const tensor of [...read.graph.initializer, ...inner]) found[tensor.name ?? ''] = await tensorData(read.dir, tensor);
  return found;
}

const places = (read: OnnxModel) => read.graph.initializer.map((tensor) => Object.fromEntries(tensor.externalData.map(({ key, value: said }) => [key, said])));

describe('externalizeModel', () => {
  it('puts large initializers into one file, aligned, and keeps every element', async () => {
    const path = await saved(many());
    const before = await values(await readModel(path));
    const progress: [number, number][] = [];
    const result = await externalizeModel(await readModel(path), path, { onProgress: (done, total) => progress.push([done, total]) });
    const after = await readModel(path);
    expect(await values(after)).toEqual(before);
    expect(result.files).toMatchObject([{ path: `${path}.data`, tensors: 5 }]);
    expect(result.bytes).toBe((await stat(path)).size);
    expect((await stat(path)).size).toBeLessThan(20_000);
    expect(places(after).map(({ location }) => location)).toEqual(['model.onnx.data', 'model.onnx.data', undefined, undefined, 'model.onnx.data']);
    for (const { offset, length } of places(after)) {
      if (offset === undefined) continue;
      expect(Number(offset) % (Number(length) >= 1024 * 1024 ? 65_536 : 4096)).toBe(0);
    }
    expect(await externalFiles(after)).toEqual([`${path}.data`]);
    expect(await checkStructure(path)).toMatchObject({ warnings: [] });
    expect(progress.at(-1)).toEqual([result.files[0]?.bytes, result.files[0]?.bytes]);
    expect(readdirSync(dirname(path)).sort()).toEqual(['model.onnx', 'model.onnx.data']);
  });

  it('puts each into a file of its own, under names that are safe whatever the tensor is called', async () => {
    const path = await saved(many());
    const before = await values(await readModel(path));
    const { files } = await externalizeModel(await readModel(path), path, { layout: 'file per tensor', threshold: 1500 });
    expect(files.map((file) => basename(file.path))).toEqual(['00000-large.bin', '00001-_escape.bin', '00002-typed.bin', '00003-deep.bin', '00004-deep.bin']);
    expect(new Set(files.map((file) => dirname(file.path)))).toEqual(new Set([`${path}.weights`]));
    expect(await values(await readModel(path))).toEqual(before);
  });

  it('keeps the sizes and axes inside that ONNX Runtime reads while it infers shapes', async () => {
    const path = await saved(
      model({ initializer: [makeTensor('axes', 'int64', [2], BigInt64Array.of(2n, 3n)), makeTensor('w', 'float32', [2, 2], floats(4))] }),
    );
    await externalizeModel(await readModel(path), path, { threshold: 0 });
    expect(places(await readModel(path)).map(({ location }) => location)).toEqual([undefined, 'model.onnx.data']);
  });

  it('names the SHA-1 of its files when asked, and a joined model proves it', async () => {
    const path = await saved(many());
    await externalizeModel(await readModel(path), path, { checksums: true });
    const sha1 = createHash('sha1')
      .update(readFileSync(`${path}.data`))
      .digest('hex');
    expect(places(await readModel(path))[0]).toMatchObject({ checksum: sha1 });
    await embedExternalData(await readModel(path));
    const data = await readFile(`${path}.data`);
    data[100] = (data[100] ?? 0) ^ 1;
    await writeFile(`${path}.data`, data);
    await expect(embedExternalData(await readModel(path))).rejects.toMatchObject({ code: 'model.external-checksum', owner: 'input' });
  });

  it('never writes over a file that is there, and never needs the one before', async () => {
    const path = await saved(many());
    const before = await values(await readModel(path));
    await externalizeModel(await readModel(path), path);
    await externalizeModel(await readModel(path), path);
    expect(places(await readModel(path))[0]).toMatchObject({ location: 'model.onnx.data-1' });
    expect(await values(await readModel(path))).toEqual(before);
    await expect(externalizeModel(await readModel(path), path, { location: 'model.onnx.data' })).rejects.toMatchObject({
      code: 'usage.exists',
      owner: 'usage',
    });
  });

  it.each(['../out', 'a/b', 'a\\b', '', '.', '..', '.hidden', 'C:x', 'nul\0', 'model.onnx', 'x'.repeat(300)])(
    'refuses to put weights under %j',
    async (location) => {
      const path = await saved(many());
      await expect(externalizeModel(await readModel(path), path, { location })).rejects.toMatchObject({ code: 'usage.location' });
      expect(readdirSync(dirname(path))).toEqual(['model.onnx']);
    },
  );

  it('leaves everything as it was when cancelled or when the model cannot be written', async () => {
    const path = await saved(many());
    const bytes = readFileSync(path);
    await expect(externalizeModel(await readModel(path), path, { signal: AbortSignal.abort() })).rejects.toThrow();
    const blocked = join(await tempDir(), 'folder.onnx');
    await mkdir(join(blocked, 'something'), { recursive: true });
    await expect(externalizeModel(await readModel(path), blocked)).rejects.toThrow();
    expect(readdirSync(dirname(blocked))).toEqual(['folder.onnx']);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(dirname(path))).toEqual(['model.onnx']);
  });

  it('splits and joins back to the same elements, whatever the tensors', async () => {
    const tensor = fc.oneof(
      fc.float32Array({ maxLength: 2000 }).map((data) => ({ type: 'float32' as const, dims: [data.length], data })),
      fc.uint8Array({ maxLength: 3000 }).map((data) => ({ type: 'int4' as const, dims: [data.length * 2], data })),
      fc.bigInt64Array({ maxLength: 500 }).map((data) => ({ type: 'int64' as const, dims: [data.length, 1], data })),
      fc.uint16Array({ maxLength: 1000 }).map((data) => ({ type: 'bfloat16' as const, dims: [data.length], data })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(tensor, { maxLength: 6 }),
        fc.constantFrom('one file' as const, 'file per tensor' as const),
        fc.nat(4000),
        async (tensors, layout, threshold) => {
          const path = await saved(model({ initializer: tensors.map(({ type, dims, data }, i) => makeTensor(`w${i}`, type, dims, data)) }));
          await externalizeModel(await readModel(path), path, { layout, threshold });
          const split = await readModel(path);
          for (const [i, item] of split.graph.initializer.entries()) expect(await tensorData(split.dir, item)).toEqual(tensors[i]?.data);
          await writeModel(await embedExternalData(split), join(dirname(path), 'joined.onnx'));
          const joined = await readModel(join(dirname(path), 'joined.onnx'));
          expect(await externalFiles(joined)).toEqual([]);
          for (const [i, item] of joined.graph.initializer.entries()) expect(await tensorData('/', item)).toEqual(tensors[i]?.data);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('embedExternalData', () => {
  it('joins weights of subgraphs too', async () => {
    const path = await saved(many());
    const before = await values(await readModel(path));
    await externalizeModel(await readModel(path), path);
    const whole = join(await tempDir(), 'whole.onnx');
    await writeModel(await embedExternalData(await readModel(path)), whole);
    expect(await values(await readModel(whole))).toEqual(before);
    expect(await externalFiles(await readModel(whole))).toEqual([]);
  });

  it('refuses what would not fit into one protobuf message, before anything is written', async () => {
    const dir = await tempDir();
    const { open } = await import('node:fs/promises');
    const handle = await open(join(dir, 'w.bin'), 'w');
    await handle.truncate(3 * 1024 ** 3);
    await handle.close();
    const weight: TensorProto = {
      ...makeTensor('w', 'uint8', [3, 1024 ** 3], new Uint8Array()),
      rawData: undefined,
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'w.bin' }],
    };
    const read = await readModel(await saved(model({ initializer: [weight], input: [value('x')], output: [value('x')] }), dir));
    await expect(embedExternalData(read)).rejects.toMatchObject({ code: 'model.too-large-for-protobuf', owner: 'input' });
  });
});
