/** Files whose encoding, and not whose graph, is the trouble: what protobuf allows, forbids, or reads in two ways. */
import { makeTensor, serializeModel, type ModelProto } from '#core/onnx';
import { delimited, tag, varint } from '../../../unit/onnx/any-message.ts';
import { floats, type Many, node, of, specimen } from './specimen.ts';

const plain = (): ModelProto => of({ nodes: [node('MatMul', ['x', 'w'], ['y'])], weights: [floats('w', [4, 4], new Float32Array(16).fill(0.5))] });
const plainBytes = () => serializeModel(plain());
const join = (...parts: Uint8Array[]) => Buffer.concat(parts);
const repeated = (times: number, make: (i: number) => Uint8Array) => Buffer.concat(Array.from({ length: times }, (_, i) => make(i)));
/** The plain model with more behind it. */
const withMore = async (...more: Uint8Array[]) => join(await plainBytes(), ...more);
const int = (number: number, given: bigint | number) => join(tag(number, 0), varint(BigInt(given)));
const text = (number: number, given: string) => delimited(number, Buffer.from(given));
/** A number in as many bytes as asked for. */
const overlong = (given: number, bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, i) => (i === 0 ? given : 0) | (i < bytes - 1 ? 0x80 : 0)));

const value = (name: string) =>
  join(text(1, name), delimited(2, delimited(1, join(int(1, 1), delimited(2, join(delimited(1, int(1, 1)), delimited(1, int(1, 4))))))));
/** The same model by hand, its weight given by the caller. */
const byHand = (weight: Uint8Array, more: Uint8Array[] = []) =>
  join(
    int(1, 10),
    delimited(8, join(text(1, ''), int(2, 21))),
    delimited(
      7,
      join(
        delimited(1, join(text(1, 'x'), text(1, 'w'), text(2, 'y'), text(4, 'MatMul'))),
        text(2, 'g'),
        delimited(5, weight),
        delimited(11, value('x')),
        delimited(12, value('y')),
        ...more,
      ),
    ),
  );
const four = Buffer.from(Float32Array.from({ length: 16 }, (_, i) => i / 16).buffer);
const dims = (...sizes: number[]) => join(...sizes.map((size) => int(1, size)));
const name = text(8, 'w');

export const ENCODING: Many = [
  specimen('fields nobody knows, everywhere', 'sound', () =>
    withMore(int(500, 1), delimited(501, Buffer.alloc(100)), join(tag(502, 5), Buffer.alloc(4)), join(tag(503, 1), Buffer.alloc(8))),
  ),
  specimen('a million fields nobody knows', 'bounded', () => withMore(repeated(1_000_000, () => int(500, 1)))),
  specimen('a group, which ended with protobuf 2', 'bounded', () => withMore(tag(500, 3), int(1, 1), tag(500, 4))),
  specimen('a hundred thousand groups in each other', 'reject', () => withMore(repeated(100_000, () => tag(500, 3)))),
  specimen('a group that was never begun', 'reject', () => withMore(tag(500, 4))),
  specimen('field number 0', 'reject', () => withMore(join(varint(2n), varint(0n)))),
  specimen('wire type 6', 'reject', () => withMore(varint(500n * 8n + 6n))),
  specimen('a version that comes twice', 'bounded', () => withMore(int(1, 8))),
  specimen('two graphs, which some readers merge', 'reject', () =>
    withMore(delimited(7, join(delimited(1, join(text(1, 'x'), text(2, 'z'), text(4, 'Relu')))))),
  ),
  specimen('overlong numbers', 'bounded', () => byHand(join(tag(1, 0), overlong(4, 5), tag(1, 0), overlong(4, 9), int(2, 1), name, delimited(9, four)))),
  specimen('a number of eleven bytes', 'reject', () => byHand(join(tag(1, 0), overlong(4, 11), int(1, 4), int(2, 1), name, delimited(9, four)))),
  specimen('a length in ten bytes', 'bounded', () => byHand(join(dims(4, 4), int(2, 1), name, tag(9, 2), overlong(64, 2), four))),
  specimen('dimensions packed, as proto3 writes them', 'sound', () =>
    byHand(join(delimited(1, join(varint(4n), varint(4n))), int(2, 1), name, delimited(9, four))),
  ),
  specimen('dimensions half packed', 'taken', () => byHand(join(delimited(1, varint(4n)), int(1, 4), int(2, 1), name, delimited(9, four)))),
  specimen('floats not packed', 'taken', () =>
    byHand(
      join(
        dims(4, 4),
        int(2, 1),
        name,
        repeated(16, (i) => join(tag(4, 5), four.subarray(4 * i, 4 * i + 4))),
      ),
    ),
  ),
  specimen('packed floats of half a float', 'reject', () => byHand(join(dims(4, 4), int(2, 1), name, delimited(4, four.subarray(0, 63))))),
  specimen('raw data twice', 'reject', () => byHand(join(dims(4, 4), int(2, 1), name, delimited(9, four), delimited(9, four)))),
  specimen('raw data and floats', 'reject', () => byHand(join(dims(4, 4), int(2, 1), name, delimited(9, four), delimited(4, four))), /'w'/),
  specimen('floats for a tensor of whole numbers', 'reject', () => byHand(join(dims(4, 4), int(2, 7), name, delimited(4, four))), /'w'/),
  specimen(
    'a tensor in segments, as nobody writes them',
    'reject',
    () => byHand(join(dims(4, 4), int(2, 1), delimited(3, join(int(1, 0), int(2, 8))), name, delimited(9, four))),
    /'w'/,
  ),
  specimen('a tensor without a type', 'reject', () => byHand(join(dims(4, 4), name, delimited(9, four))), /'w'/),
  specimen('a type of 2^40', 'reject', () => byHand(join(dims(4, 4), int(2, 2n ** 40n), name, delimited(9, four)))),
  specimen('dimensions of -1', 'reject', () => byHand(join(int(1, -1n), int(1, -16n), int(2, 1), name, delimited(9, four))), /'w'/),
  specimen('names that are no Unicode', 'bounded', () =>
    byHand(join(dims(4, 4), int(2, 1), delimited(8, Buffer.from([0xff, 0xfe, 0x77])), delimited(9, four))),
  ),
  specimen('two gigabytes claimed by a kilobyte', 'reject', () => join(int(1, 10), tag(7, 2), varint(2n ** 31n - 1n), Buffer.alloc(1_000))),
  specimen('2^63 bytes claimed by a kilobyte', 'reject', () => join(int(1, 10), tag(7, 2), varint(2n ** 63n), Buffer.alloc(1_000))),
  specimen('more than is there claimed deep within', 'reject', () => byHand(join(dims(4, 4), int(2, 1), name, tag(9, 2), varint(2n ** 31n - 1n), four))),
  specimen('a tensor of 2^40 elements and no data', 'reject', () => byHand(join(int(1, 2n ** 40n), int(2, 1), name)), /'w'/),
  specimen(
    'a tensor of 2^62 elements in three dimensions',
    'reject',
    () => byHand(join(int(1, 2n ** 21n), int(1, 2n ** 21n), int(1, 2n ** 20n), int(2, 1), name)),
    /'w'/,
  ),
  specimen(
    'a tensor of a million dimensions',
    'reject',
    () =>
      byHand(
        join(
          repeated(1_000_000, () => int(1, 1)),
          int(2, 1),
          name,
          delimited(9, four),
        ),
      ),
    /'w'/,
  ),
  specimen('a million texts of nothing said to be 2^40', 'reject', () =>
    byHand(
      join(
        int(1, 2n ** 40n),
        int(2, 8),
        name,
        repeated(1_000_000, () => delimited(6, Buffer.alloc(0))),
      ),
    ),
  ),
  specimen('five million texts of nothing', 'bounded', () =>
    byHand(join(dims(4, 4), int(2, 1), name, delimited(9, four)), [
      delimited(5, join(int(1, 5_000_000), int(2, 8), text(8, 'texts'), Buffer.alloc(10_000_000, join(tag(6, 2), varint(0n))))),
    ]),
  ),
  specimen('a description of 60 MB', 'bounded', () => withMore(text(6, 'x'.repeat(60_000_000)))),
  specimen('a hundred thousand operator sets', 'bounded', () => withMore(repeated(100_000, (i) => delimited(8, join(text(1, `d${i}`), int(2, 1)))))),
  specimen('three hundred thousand entries of metadata', 'bounded', () =>
    withMore(repeated(300_000, (i) => delimited(14, join(text(1, `k${i}`), text(2, 'v'))))),
  ),
  specimen('metadata under one key twice', 'taken', () => withMore(...['a', 'b'].map((said) => delimited(14, join(text(1, 'key'), text(2, said)))))),
  specimen('a graph within a graph within a graph, three thousand deep', 'reject', () => {
    let inner: Uint8Array = Buffer.alloc(0);
    for (let i = 0; i < 3_000; i++) inner = delimited(1, delimited(5, join(text(1, 'body'), int(20, 5), delimited(6, inner))));
    return byHand(join(dims(4, 4), int(2, 1), name, delimited(9, four)), [inner]);
  }),
  specimen('types within types, ten thousand deep', 'reject', () => {
    let inner: Uint8Array = delimited(1, int(1, 1));
    for (let i = 0; i < 10_000; i++) inner = delimited(4, delimited(1, inner));
    return byHand(join(dims(4, 4), int(2, 1), name, delimited(9, four)), [delimited(13, join(text(1, 'v'), delimited(2, inner)))]);
  }),
  specimen('another format before it', 'reject', async () => join(Buffer.from('GIF89a'), await plainBytes())),
  specimen('rubbish behind it', 'reject', async () => join(await plainBytes(), Buffer.from('?!rubbish\xff\xff'))),
  specimen('numbers in fields for them: bfloat16 as int32', 'taken', () =>
    of({
      nodes: [node('Cast', ['b'], ['w'], { to: 1 }), node('MatMul', ['x', 'w'], ['y'])],
      weights: [{ ...makeTensor('b', 'bfloat16', [4, 4], new Uint16Array(16).fill(0x3f80)) }],
    }),
  ),
];
