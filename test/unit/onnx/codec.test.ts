import { readdirSync, readFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdgewrightError } from '#contract';
import { AttributeType, makeAttribute, makeNode, makeTensor, type ModelProto, parseModel, readModel, serializeModel, tensorData, writeModel } from '#core/onnx';
import { fixture, model, saved, small, tempDir, value } from './models.ts';

const files = ['digits/model.onnx', ...readdirSync(fixture('quantized')).map((name) => `quantized/${name}`)].filter((name) => name.endsWith('.onnx'));

/** Runs something on bytes that may be anything: it may refuse them, with an error of ours. */
function onlyOurErrors(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof EdgewrightError)) throw error;
    expect(error.owner).toBe('input');
  }
}

const tag = (field: number, wire: number) => Buffer.from(varint(field * 8 + wire));
function varint(number: number): number[] {
  const bytes: number[] = [];
  let rest = number;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
const lengthDelimited = (field: number, data: Uint8Array) => Buffer.concat([tag(field, 2), Buffer.from(varint(data.length)), data]);

describe('reading and writing', () => {
  it.each(files)('gives back every byte of %s', async (name) => {
    const dir = await tempDir();
    const copy = join(dir, 'copy.onnx');
    await writeModel(await readModel(fixture(name)), copy);
    expect(readFileSync(copy).equals(readFileSync(fixture(name)))).toBe(true);
  });

  it('leaves weights on disk and reads them when asked', async () => {
    const read = await readModel(fixture('digits/model.onnx'));
    const large = read.graph.initializer.filter((tensor) => (tensor.rawData?.length ?? 0) > 1024);
    expect(large.length).toBeGreaterThan(3);
    for (const tensor of large) {
      expect(tensor.rawData).not.toBeInstanceOf(Uint8Array);
      expect(await tensorData(read.dir, tensor)).toBeInstanceOf(Float32Array);
    }
  });

  it('replaces a model by its changed self, whole', async () => {
    const path = await saved(readFileSync(fixture('digits/model.onnx')));
    const read = await readModel(path);
    read.producerName = 'someone else';
    await writeModel(read, path);
    const again = await readModel(path);
    expect(again.producerName).toBe('someone else');
    const first = again.graph.initializer[0];
    const original = (await readModel(fixture('digits/model.onnx'))).graph.initializer[0];
    expect(first && (await tensorData(again.dir, first))).toEqual(original && (await tensorData(fixture('digits'), original)));
  });

  it('leaves the old file alone when writing is cancelled', async () => {
    const path = await saved(readFileSync(fixture('digits/model.onnx')));
    const before = await stat(path);
    await expect(writeModel(await readModel(path), path, { signal: AbortSignal.abort() })).rejects.toThrow();
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
    expect(readdirSync(join(path, '..'))).toEqual(['model.onnx']);
  });

  it('keeps unknown fields, their place and an unusual order of fields', async () => {
    const body = await serializeModel(small());
    const graphAndRest = body.subarray(body.indexOf(0x3a));
    const unknownSmall = lengthDelimited(99, Buffer.from('from a later version of ONNX'));
    const unknownLarge = lengthDelimited(1000, Buffer.alloc(5000, 7));
    const unknownNumber = Buffer.concat([tag(57, 0), Buffer.from(varint(123456789))]);
    const bytes = Buffer.concat([
      unknownLarge,
      graphAndRest,
      unknownSmall,
      lengthDelimited(2, Buffer.from('late name')),
      unknownNumber,
      tag(1, 0),
      Buffer.from([8]),
    ]);
    expect(await serializeModel(parseModel(bytes))).toEqual(bytes);
    const path = await saved(bytes);
    const copy = `${path}.copy`;
    await writeModel(await readModel(path), copy);
    expect(readFileSync(copy)).toEqual(bytes);
  });

  it('keeps unknown fields when known ones are added', async () => {
    const bytes = Buffer.concat([lengthDelimited(99, Buffer.from('kept')), await serializeModel(small())]);
    const proto = parseModel(bytes);
    proto.metadataProps.push({ key: 'a', value: 'b' });
    const written = await serializeModel(proto);
    expect(written.subarray(0, 8)).toEqual(bytes.subarray(0, 8));
    expect(parseModel(written).metadataProps).toEqual([{ key: 'a', value: 'b' }]);
  });

  it('reads packed and unpacked numbers alike, and writes back the form it found', async () => {
    const packed = Buffer.concat([lengthDelimited(1, Buffer.from('k')), lengthDelimited(8, Buffer.from([1, 2, ...varint(300)]))]);
    const node = Buffer.concat([lengthDelimited(4, Buffer.from('Op')), lengthDelimited(5, packed)]);
    const bytes = lengthDelimited(7, lengthDelimited(1, node));
    const proto = parseModel(bytes);
    expect(proto.graph?.node[0]?.attribute[0]?.ints).toEqual([1n, 2n, 300n]);
    expect(await serializeModel(proto)).toEqual(bytes);
  });

  it('keeps numbers beyond what a double counts', async () => {
    const end = makeAttribute('ends', { ints: [9223372036854775807n, -9223372036854775808n, -1] });
    const written = await serializeModel(small({ nodes: [makeNode('Relu', ['x'], ['y'], { attribute: [end] })] }));
    expect(parseModel(written).graph?.node[0]?.attribute[0]?.ints).toEqual([9223372036854775807n, -9223372036854775808n, -1n]);
  });
});

describe('hostile bytes', () => {
  const refused = (bytes: Uint8Array, code: string) => {
    try {
      parseModel(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(EdgewrightError);
      expect((error as EdgewrightError).code).toBe(code);
      return;
    }
    expect.unreachable('it was read');
  };

  it('refuses a varint that does not end', () => refused(Buffer.alloc(20, 0xff), 'model.malformed'));
  it('refuses a length beyond the file', () => refused(Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]), 'model.truncated'));
  it('refuses a length beyond the message around it', () =>
    refused(Buffer.concat([lengthDelimited(7, Buffer.from([0x0a, 0x7f])), Buffer.alloc(300)]), 'model.malformed'));
  it('refuses a second graph', async () => {
    const one = await serializeModel(small());
    refused(Buffer.concat([one, one]), 'model.malformed');
  });
  it('refuses text that is not UTF-8', () => refused(lengthDelimited(2, Buffer.from([0xff, 0xfe])), 'model.malformed'));
  it('refuses groups and unknown wire types', () => {
    for (const wire of [3, 4, 6, 7]) refused(tag(2, wire), 'model.malformed');
  });

  it('refuses subgraphs nested without end, without running out of stack', () => {
    let inner: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 3000; depth++) inner = lengthDelimited(1, lengthDelimited(5, lengthDelimited(6, inner)));
    refused(lengthDelimited(7, inner), 'model.malformed');
  });

  it('refuses millions of empty messages before they fill the memory', () => {
    const nodes = Buffer.alloc(20_000_000);
    for (let at = 0; at < nodes.length; at += 2) nodes[at] = 0x0a;
    refused(lengthDelimited(7, nodes), 'model.too-complex');
  });

  it('answers every truncation of a real model with an error of ours', async () => {
    const bytes = readFileSync(fixture('quantized/dynamic_s8_pt.onnx'));
    for (let length = 1; length < bytes.length; length += 37) onlyOurErrors(() => parseModel(bytes.subarray(0, length)));
    const dir = await tempDir();
    for (const length of [1, 100, 5000, bytes.length - 1]) {
      await writeFile(join(dir, 'cut.onnx'), bytes.subarray(0, length));
      await expect(readModel(join(dir, 'cut.onnx'))).rejects.toMatchObject({ owner: 'input' });
    }
  });

  it('answers any damage with a model or an error of ours', () => {
    const bytes = readFileSync(fixture('quantized/static_minmax_s8s8_pt.onnx'));
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, (changes) => {
        const copy = Buffer.from(bytes);
        for (const [at, byte] of changes) copy[at] = byte;
        onlyOurErrors(() => parseModel(copy));
      }),
      { numRuns: 150 },
    );
  });

  it('answers any bytes at all with a model or an error of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => onlyOurErrors(() => parseModel(bytes))),
      { numRuns: 1000 },
    );
  });
});

describe('round trip of arbitrary models', () => {
  const name = fc.string({ maxLength: 12, unit: 'binary' }).filter((text) => text.isWellFormed());
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const attribute = fc.oneof(
    fc.tuple(name, int64).map(([key, int]) => makeAttribute(key, { int })),
    fc.tuple(name, fc.array(int64, { maxLength: 5 })).map(([key, ints]) => makeAttribute(key, { ints })),
    fc.tuple(name, fc.float({ noNaN: true })).map(([key, float]) => makeAttribute(key, { float })),
    fc.tuple(name, name).map(([key, text]) => makeAttribute(key, { text })),
    fc
      .tuple(name, fc.float32Array({ maxLength: 5, noNaN: true }))
      .map(([key, data]) => makeAttribute(key, { tensor: makeTensor('t', 'float32', [data.length], data) })),
  );
  const node = fc.record({
    op: name,
    input: fc.array(name, { maxLength: 3 }),
    output: fc.array(name, { maxLength: 2 }),
    attribute: fc.array(attribute, { maxLength: 3 }),
    own: fc.option(name, { nil: undefined }),
  });
  const proto: fc.Arbitrary<ModelProto> = fc
    .record({ nodes: fc.array(node, { maxLength: 4 }), inputs: fc.array(name, { maxLength: 3 }), version: int64, doc: fc.option(name, { nil: undefined }) })
    .map(({ nodes, inputs, version, doc }) => {
      const made = nodes.map(({ op, input, output, attribute: attributes, own }) =>
        makeNode(op, input, output, { attribute: [...attributes], ...(own !== undefined && { name: own }) }),
      );
      const inner = model({ node: made.slice(1) }).graph;
      if (made[0] && inner) made[0].attribute.push({ ...makeAttribute('body', { int: 0 }), i: undefined, g: inner, type: AttributeType.graph });
      return model(
        { node: made, input: inputs.map((input) => value(input, [2, 'n'])) },
        { modelVersion: version, ...(doc !== undefined && { docString: doc }) },
      );
    });

  it('encodes and decodes to the same', async () => {
    await fc.assert(
      fc.asyncProperty(proto, async (original) => {
        const bytes = await serializeModel(original);
        const decoded = parseModel(bytes);
        expect(await serializeModel(decoded)).toEqual(bytes);
        expect(decoded.graph).toEqual(original.graph);
        expect(decoded.docString).toBe(original.docString);
      }),
      { numRuns: 100 },
    );
  });
});
