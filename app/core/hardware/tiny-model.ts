/**
 * The model a provider has to run to count as verified: y = relu(x . W + b), float32, 8 -> 4, written by hand as ONNX bytes so
 * that this room depends on nothing. Field numbers: onnx.proto (ONNX 1.x, unchanged since IR version 3).
 */

const IN = 8;
const OUT = 4;

export interface TinyModel {
  bytes: Uint8Array;
  inputName: string;
  outputName: string;
  dims: [number, number];
  input: Float32Array;
  /** What any correct provider answers; whole and half numbers, exact in every float type. */
  expected: Float32Array;
}

export function tinyModel(): TinyModel {
  const weights = Float32Array.from({ length: IN * OUT }, (_, i) => ((i * 7) % 5) - 2);
  const bias = Float32Array.of(0.5, -1, 2, -40);
  const input = Float32Array.from({ length: IN }, (_, i) => i - 3);
  const expected = Float32Array.from({ length: OUT }, (_, column) => {
    let sum = bias[column] ?? 0;
    for (let row = 0; row < IN; row++) sum += (input[row] ?? 0) * (weights[row * OUT + column] ?? 0);
    return Math.max(0, sum);
  });
  const graph = message(
    field(1, node('MatMul', ['x', 'w'], 'product')),
    field(1, node('Add', ['product', 'b'], 'sum')),
    field(1, node('Relu', ['sum'], 'y')),
    field(2, text('edgewright_proof')),
    field(5, tensor('w', [IN, OUT], weights)),
    field(5, tensor('b', [OUT], bias)),
    field(11, valueInfo('x', [1, IN])),
    field(12, valueInfo('y', [1, OUT])),
  );
  const opset = message(varintField(2, 13));
  const bytes = message(varintField(1, 8), field(2, text('edgewright')), field(7, graph), field(8, opset));
  return { bytes, inputName: 'x', outputName: 'y', dims: [1, IN], input, expected };
}

const FLOAT = 1;

function node(op: string, inputs: string[], output: string): Uint8Array {
  return message(...inputs.map((name) => field(1, text(name))), field(2, text(output)), field(3, text(`proof_${op}`)), field(4, text(op)));
}

function tensor(name: string, dims: number[], data: Float32Array): Uint8Array {
  // raw_data is little-endian by definition, so are all platforms this runs on.
  return message(...dims.map((dim) => varintField(1, dim)), varintField(2, FLOAT), field(8, text(name)), field(9, new Uint8Array(data.buffer)));
}

function valueInfo(name: string, dims: number[]): Uint8Array {
  const shape = message(...dims.map((dim) => field(1, message(varintField(1, dim)))));
  const type = message(field(1, message(varintField(1, FLOAT), field(2, shape))));
  return message(field(1, text(name)), field(2, type));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function message(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** A length-delimited field (wire type 2). */
function field(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function varintField(number: number, value: number): Uint8Array {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return Uint8Array.from(bytes);
}
