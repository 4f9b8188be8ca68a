/** Tensors of the Open Inference Protocol in JSON, to ours and back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '#core/datasets';
import { formatAddress, parseAddress } from '#core/platform';
import { feedsOf, InferRequestSchema, outputJson } from '../../../app/agent/doors/oip-tensors.ts';

const one = (type: string, datatype: string, data: unknown[], shape = [data.length], dims: (number | string)[] = ['n']) =>
  feedsOf(InferRequestSchema.parse({ inputs: [{ name: 'x', shape, datatype, data }] }), [{ name: 'x', type, dims }])['x'];

describe('requests', () => {
  test('flat and nested data are the same', () => {
    const flat = one('float32', 'FP32', [1, 2, 3, 4], [2, 2], ['n', 2]);
    expect(
      one(
        'float32',
        'FP32',
        [
          [1, 2],
          [3, 4],
        ],
        [2, 2],
        ['n', 2],
      ),
    ).toEqual(flat);
    expect(flat).toEqual({ type: 'float32', dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
  });

  test('every datatype that has a JSON form', () => {
    expect(one('bool', 'BOOL', [true, false, 1])?.data).toEqual(Uint8Array.of(1, 0, 1));
    expect(one('int64', 'INT64', [-5, 2 ** 53 - 1])?.data).toEqual(BigInt64Array.of(-5n, 9007199254740991n));
    expect(one('uint8', 'UINT8', [0, 255])?.data).toEqual(Uint8Array.of(0, 255));
    expect(one('string', 'BYTES', ['a', 'ü'])?.data).toEqual(['a', 'ü']);
    expect(one('float64', 'FP64', [0.1])?.data).toEqual(Float64Array.of(0.1));
  });

  test.each([
    ['uint8', 'UINT8', [256]],
    ['uint8', 'UINT8', [-1]],
    ['int8', 'INT8', [1.5]],
    ['int64', 'INT64', [0.5]],
    ['uint64', 'UINT64', [-1]],
    ['int64', 'INT64', [2 ** 63]],
    ['bool', 'BOOL', [2]],
    ['float32', 'FP32', ['1']],
    ['float32', 'FP32', [null]],
    ['string', 'BYTES', [1]],
    ['float16', 'FP16', [1]],
  ])('%s refuses %s %j', (type, datatype, data) => {
    expect(() => one(type, datatype, data)).toThrow();
  });

  test('nesting without end is refused before it is followed', () => {
    let deep: unknown[] = [1];
    for (let i = 0; i < 10_000; i++) deep = [deep];
    expect(() => one('float32', 'FP32', deep, [1])).toThrow(/nested too deep/);
  });

  test('whatever is sent, the answer is a tensor that fits or a message', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 4 }), fc.array(fc.anything(), { maxLength: 10 }), (shape, data) => {
        try {
          const tensor = one(
            'float32',
            'FP32',
            data,
            shape,
            shape.map(() => 'any'),
          );
          expect(tensor?.data.length).toBe(shape.reduce((a, b) => a * b, 1));
        } catch (error) {
          expect(error).toMatchObject({ status: 400 });
        }
      }),
    );
  });
});

test.each([
  ['float32', 'FP32', 1e39],
  ['float64', 'FP64', Number.POSITIVE_INFINITY],
])('%s does not take a number beyond its range', (type, datatype, value) => {
  expect(() => one(type, datatype, [value], [1], [1])).toThrow(/element 0 is/);
});

describe('answers', () => {
  const roundTrip = (tensor: Tensor) => JSON.parse(outputJson('y', tensor)) as { data: unknown[]; datatype: string; shape: number[] };

  test('numbers come back exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })), (values) => {
        const { data } = roundTrip({ type: 'float32', dims: [values.length], data: Float32Array.from(values) });
        expect(Float32Array.from(data as number[])).toEqual(Float32Array.from(values, (v) => v + 0));
      }),
    );
    expect(outputJson('y', { type: 'int64', dims: [1], data: BigInt64Array.of(2n ** 62n + 1n) })).toBe(
      '{"name":"y","shape":[1],"datatype":"INT64","data":[4611686018427387905]}',
    );
    expect(roundTrip({ type: 'bool', dims: [2], data: Uint8Array.of(0, 1) })).toMatchObject({ datatype: 'BOOL', data: [false, true] });
    expect(roundTrip({ type: 'string', dims: [1], data: ['"\\'] }).data).toEqual(['"\\']);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d is not made up into something else', (value) => {
    expect(() => outputJson('y', { type: 'float32', dims: [2], data: Float32Array.of(1, value) })).toThrow(/element 1 is/);
  });
});

describe('addresses', () => {
  test.each(['127.0.0.1:0', '[::1]:8443', 'pump-1.local:65535'])('%s is read and written alike', (text) => {
    const { host, port } = parseAddress(text);
    expect(formatAddress(host, port)).toBe(text);
  });

  test.each(['', ':80', 'host', 'host:', 'host:65536', 'a b:1', '::1:80', 'http://host:1'])('%j is refused', (text) => {
    expect(() => parseAddress(text)).toThrow(/not an address/);
  });
});
