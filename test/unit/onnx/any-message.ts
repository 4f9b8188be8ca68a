/** Bytes of any message a sound protobuf writer may make of an ONNX model; the schema is written down apart from the program's own. */
import fc from 'fast-check';

type Kind = 'int' | 'float' | 'text' | 'bytes' | 'blob' | 'packed32' | 'packed64' | 'packedInt' | { of: string };
/** Field number, kind, whether repeated. */
type Field = [number, Kind, boolean?];

const msg = (of: string): Kind => ({ of });
const SCHEMA: Record<string, Field[]> = {
  Model: [
    [1, 'int'],
    [2, 'text'],
    [3, 'text'],
    [4, 'text'],
    [5, 'int'],
    [6, 'text'],
    [7, msg('Graph')],
    [8, msg('Opset'), true],
    [14, msg('Entry'), true],
    [20, msg('Training'), true],
    [25, msg('Function'), true],
    [26, msg('Devices'), true],
  ],
  Graph: [
    [1, msg('Node'), true],
    [2, 'text'],
    [5, msg('Tensor'), true],
    [10, 'text'],
    [11, msg('Value'), true],
    [12, msg('Value'), true],
    [13, msg('Value'), true],
    [14, msg('Annotation'), true],
    [15, msg('Sparse'), true],
    [16, msg('Entry'), true],
  ],
  Node: [
    [1, 'text', true],
    [2, 'text', true],
    [3, 'text'],
    [4, 'text'],
    [5, msg('Attribute'), true],
    [6, 'text'],
    [7, 'text'],
    [8, 'text'],
    [9, msg('Entry'), true],
    [10, msg('NodeDevices'), true],
  ],
  Attribute: [
    [1, 'text'],
    [2, 'float'],
    [3, 'int'],
    [4, 'bytes'],
    [5, msg('Tensor')],
    [6, msg('Graph')],
    [7, 'float', true],
    [8, 'int', true],
    [9, 'bytes', true],
    [10, msg('Tensor'), true],
    [11, msg('Graph'), true],
    [13, 'text'],
    [14, msg('Type')],
    [15, msg('Type'), true],
    [20, 'int'],
    [21, 'text'],
    [22, msg('Sparse')],
    [23, msg('Sparse'), true],
  ],
  Tensor: [
    [1, 'int', true],
    [2, 'int'],
    [3, msg('Segment')],
    [4, 'packed32'],
    [5, 'packedInt'],
    [6, 'bytes', true],
    [7, 'packedInt'],
    [8, 'text'],
    [9, 'blob'],
    [10, 'packed64'],
    [11, 'packedInt'],
    [12, 'text'],
    [13, msg('Entry'), true],
    [14, 'int'],
    [16, msg('Entry'), true],
  ],
  Sparse: [
    [1, msg('Tensor')],
    [2, msg('Tensor')],
    [3, 'int', true],
  ],
  Value: [
    [1, 'text'],
    [2, msg('Type')],
    [3, 'text'],
    [4, msg('Entry'), true],
  ],
  Type: [
    [1, msg('TensorType')],
    [4, msg('Sequence')],
    [5, msg('Map')],
    [6, 'text'],
    [7, msg('Opaque')],
    [8, msg('TensorType')],
    [9, msg('Sequence')],
  ],
  TensorType: [
    [1, 'int'],
    [2, msg('Shape')],
  ],
  Shape: [[1, msg('Dim'), true]],
  Dim: [
    [1, 'int'],
    [2, 'text'],
    [3, 'text'],
  ],
  Sequence: [[1, msg('Type')]],
  Map: [
    [1, 'int'],
    [2, msg('Type')],
  ],
  Opaque: [
    [1, 'text'],
    [2, 'text'],
  ],
  Annotation: [
    [1, 'text'],
    [2, msg('Entry'), true],
  ],
  Training: [
    [1, msg('Graph')],
    [2, msg('Graph')],
    [3, msg('Entry'), true],
    [4, msg('Entry'), true],
  ],
  Function: [
    [1, 'text'],
    [4, 'text', true],
    [5, 'text', true],
    [6, 'text', true],
    [7, msg('Node'), true],
    [8, 'text'],
    [9, msg('Opset'), true],
    [10, 'text'],
    [11, msg('Attribute'), true],
    [12, msg('Value'), true],
    [13, 'text'],
    [14, msg('Entry'), true],
  ],
  Devices: [
    [1, 'text'],
    [2, 'int'],
    [3, 'text', true],
  ],
  NodeDevices: [
    [1, 'text'],
    [2, msg('Sharding'), true],
    [3, 'int'],
  ],
  Sharding: [
    [1, 'text'],
    [2, 'int', true],
    [3, msg('IntList'), true],
    [4, msg('ShardedDim'), true],
  ],
  ShardedDim: [
    [1, 'int'],
    [2, msg('SimpleDim'), true],
  ],
  SimpleDim: [
    [1, 'int'],
    [2, 'text'],
    [3, 'int'],
  ],
  IntList: [
    [1, 'int'],
    [2, 'int', true],
  ],
  Entry: [
    [1, 'text'],
    [2, 'text'],
  ],
  Opset: [
    [1, 'text'],
    [2, 'int'],
  ],
  Segment: [
    [1, 'int'],
    [2, 'int'],
  ],
};
/** Field numbers that no message uses, small and large. */
const UNKNOWN_NUMBERS = [17, 18, 19, 27, 99, 1000, 536_870_911];

export const varint = (value: bigint): Buffer => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
};
export const tag = (number: number, wire: number) => varint(BigInt(number * 8 + wire));
export const delimited = (number: number, data: Uint8Array) => Buffer.concat([tag(number, 2), varint(BigInt(data.length)), data]);

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const small = fc.integer({ min: 0, max: 300 }).map(BigInt);
const bits32 = fc.uint8Array({ minLength: 4, maxLength: 4 });
const text = fc.string({ maxLength: 10, unit: 'binary' }).filter((value) => value.isWellFormed());
const blob = fc.oneof(
  { weight: 9, arbitrary: fc.uint8Array({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 5000 }).map((length) => new Uint8Array(length).fill(length)) },
);

/** Enumerations and other int32 fields must hold what 32 bits hold; any int64 is sound elsewhere. */
const INT32_FIELDS = new Set(['Attribute 20', 'Tensor 2', 'Tensor 14', 'TensorType 1', 'Map 1', 'Devices 2', 'NodeDevices 3']);

function scalar(name: string, number: number, kind: Kind): fc.Arbitrary<Buffer> {
  switch (kind) {
    case 'int':
      return (INT32_FIELDS.has(`${name} ${number}`) ? fc.integer().map(BigInt) : fc.oneof(small, int64)).map((value) =>
        Buffer.concat([tag(number, 0), varint(value)]),
      );
    case 'float':
      return bits32.map((bits) => Buffer.concat([tag(number, 5), bits]));
    case 'text':
      return text.map((value) => delimited(number, Buffer.from(value, 'utf8')));
    case 'packed32':
      return fc.array(bits32, { maxLength: 4 }).map((list) => delimited(number, Buffer.concat(list)));
    case 'packed64':
      return fc.array(fc.uint8Array({ minLength: 8, maxLength: 8 }), { maxLength: 3 }).map((list) => delimited(number, Buffer.concat(list)));
    case 'packedInt':
      return fc.array(int64, { maxLength: 5 }).map((list) => delimited(number, Buffer.concat(list.map(varint))));
    default:
      return blob.map((value) => delimited(number, value));
  }
}

/** A packed list of numbers, as proto3 writers write the ones that ONNX declares unpacked. */
function packed(number: number, kind: Kind): fc.Arbitrary<Buffer> {
  const entry: fc.Arbitrary<Uint8Array> = kind === 'float' ? bits32 : fc.oneof(small, int64).map(varint);
  return fc.array(entry, { minLength: 1, maxLength: 5 }).map((list) => delimited(number, Buffer.concat(list)));
}

const unknown = fc.constantFrom(...UNKNOWN_NUMBERS).chain((number) =>
  fc.oneof(
    int64.map((value) => Buffer.concat([tag(number, 0), varint(value)])),
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((value) => Buffer.concat([tag(number, 1), value])),
    blob.map((value) => delimited(number, value)),
    bits32.map((value) => Buffer.concat([tag(number, 5), value])),
  ),
);

const messages = new Map<string, fc.Arbitrary<Buffer>>();

/** Made once for each depth: messages contain each other. */
export function message(name: string, depth: number): fc.Arbitrary<Buffer> {
  const key = `${name} ${depth}`;
  const made = messages.get(key) ?? makeMessage(name, depth);
  messages.set(key, made);
  return made;
}

function makeMessage(name: string, depth: number): fc.Arbitrary<Buffer> {
  const known = (SCHEMA[name] ?? []).flatMap(([number, kind, repeated = false]): { number: number; once: boolean; bytes: fc.Arbitrary<Buffer> }[] => {
    if (typeof kind === 'object')
      return depth === 0 ? [] : [{ number, once: !repeated, bytes: message(kind.of, depth - 1).map((inner) => delimited(number, inner)) }];
    const one = { number, once: !repeated, bytes: scalar(name, number, kind) };
    return repeated && (kind === 'int' || kind === 'float') ? [one, { number, once: false, bytes: packed(number, kind) }] : [one];
  });
  if (known.length === 0) return unknown;
  const field = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...known).chain(({ number, once, bytes }) => bytes.map((data) => ({ key: once ? number : -1, data }))) },
    { weight: 1, arbitrary: unknown.map((data) => ({ key: -1, data })) },
  );
  return fc.array(field, { maxLength: depth === 0 ? 4 : 6 }).map((fields) => {
    const seen = new Set<number>();
    // A second singular field is refused, see codec.test.ts.
    return Buffer.concat(fields.filter(({ key }) => key < 0 || (!seen.has(key) && seen.add(key))).map(({ data }) => data));
  });
}
