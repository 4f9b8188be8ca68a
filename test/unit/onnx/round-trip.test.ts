/**
 * Whatever a sound protobuf writer may have written comes back byte for byte: any order of fields, packed or not, fields that
 * nobody knows at every level.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModel, readModel, serializeModel, tensorData, writeModel } from '#core/onnx';
import { delimited, message, tag, varint } from './any-message.ts';
import { saved, tempDir } from './models.ts';

describe('any sound encoding', () => {
  it('comes back byte for byte from memory', async () => {
    await fc.assert(
      fc.asyncProperty(message('Model', 5), async (bytes) => {
        expect(await serializeModel(parseModel(bytes))).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('comes back byte for byte from a file whose large parts stay there', async () => {
    const dir = await tempDir();
    await fc.assert(
      fc.asyncProperty(message('Graph', 4), async (graph) => {
        const bytes = Buffer.concat([delimited(7, graph), tag(1, 0), varint(9n), delimited(18, new Uint8Array(3000).fill(1))]);
        const path = await saved(bytes, dir);
        await writeModel(await readModel(path), join(dir, 'copy.onnx'));
        expect(readFileSync(join(dir, 'copy.onnx'))).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the bits of every NaN', async () => {
    const nans = [0x7f800001, 0x7fa00000, 0xffc00000, 0xffffffff, 0x7fc00000, 0x7fc00001].map((bits) => {
      const four = Buffer.alloc(4);
      four.writeUInt32LE(bits);
      return four;
    });
    const list = Buffer.concat(nans.map((nan) => Buffer.concat([tag(7, 5), nan])));
    const attribute = Buffer.concat([tag(2, 5), nans[1] ?? Buffer.alloc(4), list, delimited(7, Buffer.concat(nans))]);
    const bytes = delimited(7, delimited(1, delimited(5, attribute)));
    const model = parseModel(bytes);
    expect(model.graph?.node[0]?.attribute[0]?.floats).toHaveLength(12);
    expect(await serializeModel(model)).toEqual(bytes);
  });

  it('reads numbers of a tensor that were written one by one, and writes them packed', async () => {
    const one = Buffer.concat([tag(4, 5), Buffer.from(Float32Array.of(1.5).buffer), tag(4, 5), Buffer.from(Float32Array.of(-2).buffer)]);
    const tensor = Buffer.concat([tag(1, 0), varint(2n), tag(2, 0), varint(1n), one, delimited(8, Buffer.from('w'))]);
    const model = parseModel(delimited(7, delimited(5, tensor)));
    const [read] = model.graph?.initializer ?? [];
    expect(read && (await tensorData('/', read))).toEqual(Float32Array.of(1.5, -2));
    const again = parseModel(await serializeModel(model)).graph?.initializer[0];
    expect(again && (await tensorData('/', again))).toEqual(Float32Array.of(1.5, -2));
  });

  it('takes lists of millions of numbers, as forests of trees have them', async () => {
    const count = 4_000_000;
    const ints = Buffer.alloc(count * 2);
    for (let i = 0; i < count; i++) ints.set([0x40, i % 100], i * 2);
    const bytes = delimited(7, delimited(1, delimited(5, ints)));
    const model = parseModel(bytes);
    expect(model.graph?.node[0]?.attribute[0]?.ints).toHaveLength(count);
    expect((await serializeModel(model)).equals(bytes)).toBe(true);
  });
});
