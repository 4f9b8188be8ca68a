/** Models nobody has seen: real ones with bytes and with parts changed, as damage or an attacker would. */
import fc from 'fast-check';
import { functionProto } from '../../unit/onnx/models.ts';
import { AttributeType, makeAttribute, makeNode, makeTensor, type Graph, type ModelProto, type Node } from '#core/onnx';

type Bytes = Uint8Array;

const GIANT_VARINT = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
/** Groups are no part of the format any more: a start, and another in it. */
const NESTED_GROUPS = new Uint8Array(400).fill(0x0b);
const EMPTY_MESSAGES = new Uint8Array(4_000).map((_, i) => (i % 2 === 0 ? 0x0a : 0));

/** One change of a file's bytes; `at` and `length` are shares of its length. */
interface ByteChange {
  kind: 'flip' | 'cut' | 'repeat' | 'drop' | 'giant' | 'groups' | 'empty' | 'zero';
  at: number;
  length: number;
  bit: number;
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

export const byteChanges: fc.Arbitrary<ByteChange[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<ByteChange['kind']>('flip', 'flip', 'flip', 'cut', 'repeat', 'drop', 'giant', 'groups', 'empty', 'zero'),
    at: share,
    length: share,
    bit: fc.nat(7),
  }),
  { minLength: 1, maxLength: 6 },
);

export function changeBytes(original: Bytes, changes: readonly ByteChange[]): Bytes {
  return changes.reduce((bytes, { kind, at, length, bit }) => {
    const from = Math.floor(at * bytes.length);
    const to = Math.min(bytes.length, from + Math.ceil(length * 64));
    const insert = (piece: Bytes) => Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from)]);
    switch (kind) {
      case 'flip':
        return bytes.map((byte, i) => (i === from ? byte ^ (1 << bit) : byte));
      case 'cut':
        return bytes.subarray(0, from);
      case 'repeat':
        return insert(bytes.subarray(from, to));
      case 'drop':
        return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
      case 'zero':
        return bytes.map((byte, i) => (i >= from && i < to ? 0 : byte));
      case 'giant':
        return insert(GIANT_VARINT);
      case 'groups':
        return insert(NESTED_GROUPS);
      case 'empty':
        return insert(EMPTY_MESSAGES);
    }
  }, original);
}

const STRANGE_NAMES = ['', '__proto__', 'constructor', '\u202e\u0000', 'a'.repeat(70_000), '<img src=x>', 'x', 'y'];
const STRANGE_SIZES = [0n, -1n, 1n, 3n, 2n ** 31n, 2n ** 33n, 2n ** 62n, -(2n ** 63n)];
const STRANGE_PLACES = [
  '/etc/passwd',
  '../x',
  'a/../../x',
  '\0',
  'CON',
  'aux.bin',
  'w.bin.',
  'w.bin ',
  'C:\\x',
  '..\\x',
  '/proc/self/mem',
  '/dev/zero',
  'a\u0301',
  '.',
  'no/such',
  'x:y',
];
/** Operators whose output is as large as something says, or that run for as long. */
const BOMBS = [
  'ConstantOfShape',
  'Expand',
  'Tile',
  'Range',
  'Resize',
  'Pad',
  'OneHot',
  'RegexFullMatch',
  'StringSplit',
  'Loop',
  'If',
  'Scan',
  'EPContext',
  'SuperOp',
  '',
];

export type GraphChange = readonly [kind: number, a: number, b: number];
export const graphChanges: fc.Arbitrary<GraphChange[]> = fc.array(fc.tuple(fc.nat(CHANGES().length - 1), fc.nat(10_000), fc.nat(10_000)), {
  minLength: 1,
  maxLength: 3,
});

/** Changes the model in place. */
export function changeGraph(model: ModelProto, changes: readonly GraphChange[]): void {
  for (const [kind, a, b] of changes) if (model.graph) CHANGES()[kind]?.(model, model.graph, a, b);
}

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.length === 0 ? undefined : list[index % list.length];
}

function CHANGES(): readonly ((model: ModelProto, graph: Graph, a: number, b: number) => void)[] {
  const node = (graph: Graph, a: number): Node => pick(graph.node, a) ?? makeNode('Relu', ['x'], ['y']);
  return [
    (_m, g, a, b) => void node(g, a).input.splice(b % 3, 1),
    (_m, g, a, b) => void node(g, a).input.splice(b % 3, 1, pick(STRANGE_NAMES, b) ?? ''),
    (_m, g, a, b) => void (node(g, a).output[0] = pick(STRANGE_NAMES, b) ?? ''),
    (_m, g, a, b) => void (node(g, a).opType = pick(BOMBS, b) ?? ''),
    (_m, g, a) => void g.node.push(structuredClone(node(g, a))),
    (_m, g) => void g.node.reverse(),
    (_m, g, a, b) => void (node(g, a).domain = pick(['com.microsoft', 'ai.onnx.ml', 'x.y', ''], b) ?? ''),
    (_m, g, a, b) => node(g, a).attribute.forEach((attribute) => void (attribute.type = b % 16)),
    (_m, g, a, b) => void node(g, a).attribute.push(makeAttribute(pick(['axis', 'to', 'perm', 'strides', 'zz', ''], b) ?? '', { int: b - 50 })),
    (_m, g, a) =>
      void node(g, a).attribute.push({
        ...makeAttribute('body', { int: 0 }),
        i: undefined,
        type: AttributeType.graph,
        g: structuredClone({ ...g, initializer: [], node: g.node.slice(0, 3) }),
      }),
    (_m, g, a, b) => void pick(g.initializer, a)?.dims.splice(b % 3, 1, pick(STRANGE_SIZES, b) ?? 0n),
    (_m, g, a, b) => g.initializer.slice(a % 5, (a % 5) + 1).forEach((tensor) => void (tensor.dataType = b % 40)),
    (_m, g, a, b) =>
      g.initializer.slice(a % 5, (a % 5) + 1).forEach((tensor) => {
        tensor.dataLocation = 1;
        tensor.rawData = undefined;
        tensor.externalData = [
          { key: 'location', value: pick(STRANGE_PLACES, b) },
          { key: 'offset', value: pick(['0', '-1', '9223372036854775807', '1e9', '4096'], a) },
          { key: 'length', value: pick(['', '4', '9223372036854775807'], a + b) },
        ];
      }),
    (_m, g, a, b) => void g.input.push({ ...(pick(g.input, a) ?? { metadataProps: [] }), name: pick(STRANGE_NAMES, b) }),
    (_m, g, a) => g.input.forEach((info) => info.type?.tensorType?.shape?.dim.forEach((dim) => void (dim.dimValue = pick(STRANGE_SIZES, a)))),
    (_m, g, a) => g.output.forEach((info) => void (info.name = pick(STRANGE_NAMES, a))),
    (m, _g, a) => m.opsetImport.forEach((opset) => void (opset.version = BigInt(a % 30))),
    (m, _g, a) => void (m.irVersion = BigInt(a % 20)),
    (_m, g, a) =>
      void g.sparseInitializer.push({
        values: makeTensor('sparse', 'float32', [2], Float32Array.of(1, 2)),
        indices: makeTensor('', 'int64', [2], BigInt64Array.of(BigInt(a) - 5000n, 1n)),
        dims: [4n, 4n],
      }),
    (m, g, a) =>
      void m.functions.push(
        functionProto(pick(['F', 'Relu', node(g, a).opType ?? ''], a) ?? '', [makeNode(pick(['F', 'Relu', 'Neg'], a) ?? '', ['a'], ['b'])], {
          domain: '',
          opsetImport: [],
        }),
      ),
  ];
}
