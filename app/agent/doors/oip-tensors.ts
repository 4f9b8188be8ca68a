/**
 * Tensors as Open Inference Protocol v2 writes them in JSON, to ours and back. `data` is flat in row-major order or nested
 * (the protocol's text and its OpenAPI file allow one each); answers are flat. FP16 has no JSON form.
 */
import { z } from 'zod';
import type { TensorInfo } from '#contract';
import { isElementType, newData, type NumericData, type NumericType, type Tensor } from '#core/datasets';
import { MAX_TENSOR_ELEMENTS, MAX_TENSOR_RANK } from '../limits.ts';
import { HttpError } from './http.ts';

/** The protocol's names for ONNX element types. */
const DATATYPES: Record<string, string> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};

const Parameters = z.record(z.string(), z.unknown()).optional();
export const InferRequestSchema = z.object({
  id: z.string().max(256).optional(),
  parameters: Parameters,
  inputs: z
    .array(
      z.object({
        name: z.string().max(256),
        shape: z.array(z.number().int().min(0)).max(MAX_TENSOR_RANK),
        datatype: z.string().max(16),
        parameters: Parameters,
        // Checked element by element below: a schema would walk millions of numbers twice.
        data: z.custom<unknown[]>((value) => Array.isArray(value), 'data must be an array'),
      }),
    )
    .max(256),
  outputs: z
    .array(z.object({ name: z.string().max(256), parameters: Parameters }))
    .max(256)
    .optional(),
});
export type InferRequest = z.infer<typeof InferRequestSchema>;

/** `FP32` for `float32`; types the protocol has no name for stay as they are. */
export function datatypeOf(type: string): string {
  return DATATYPES[type] ?? type.toUpperCase();
}

/** `{name, datatype, shape}` with -1 where any size goes. */
export function tensorMetadata({ name, type, dims }: TensorInfo): { name: string; datatype: string; shape: number[] } {
  return { name, datatype: datatypeOf(type), shape: dims.map((dim) => (typeof dim === 'number' ? dim : -1)) };
}

/** The request's tensors held to what the model takes. @throws HttpError 400 naming the input */
export function feedsOf(request: InferRequest, inputs: readonly TensorInfo[]): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const given of request.inputs) {
    const info = inputs.find((input) => input.name === given.name);
    if (!info) throw bad(`the model has no input "${given.name}"; it takes ${inputs.map((i) => i.name).join(', ')}`);
    if (feeds[given.name]) throw bad(`input "${given.name}" is given twice`);
    feeds[given.name] = toTensor(given, info);
  }
  const missing = inputs.find((input) => !feeds[input.name]);
  if (missing) throw bad(`input "${missing.name}" is missing`);
  return feeds;
}

function toTensor(given: InferRequest['inputs'][number], info: TensorInfo): Tensor {
  const { name, shape, datatype } = given;
  const what = `input "${name}"`;
  if (datatype !== datatypeOf(info.type)) throw bad(`${what} has datatype ${datatype}, expected ${datatypeOf(info.type)}`);
  if (!isElementType(info.type) || info.type === 'float16') throw bad(`${what}: ${datatype} has no form in JSON`);
  const wrongShape = shape.length !== info.dims.length || info.dims.some((dim, i) => typeof dim === 'number' && dim !== shape[i]);
  if (wrongShape) throw bad(`${what} has shape [${shape}], expected [${info.dims.map((dim) => (typeof dim === 'number' ? dim : -1))}]`);
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (!Number.isSafeInteger(count) || count > MAX_TENSOR_ELEMENTS) throw bad(`${what} has more than ${MAX_TENSOR_ELEMENTS} elements`);
  const values = flatten(given.data, what, count);
  if (info.type === 'string') {
    if (!values.every((value) => typeof value === 'string')) throw bad(`${what} must hold strings`);
    return { type: 'string', dims: shape, data: values };
  }
  const type: NumericType = info.type;
  const data = newData(type, count);
  const put = setter(type, data);
  for (let i = 0; i < count; i++) if (!put(i, values[i])) throw bad(`${what} element ${i} is ${JSON.stringify(values[i])?.slice(0, 40)}, no ${datatype}`);
  return { type, dims: shape, data };
}

/** Flat values, exactly `count` of them; nesting is only a way to write them. */
function flatten(data: unknown[], what: string, count: number): unknown[] {
  const values: unknown[] = [];
  const wrongCount = () => bad(`${what} has another number of elements than its shape says (${count})`);
  const walk = (part: unknown[], depth: number) => {
    if (depth > MAX_TENSOR_RANK) throw bad(`${what} is nested too deep`);
    for (const value of part) {
      if (Array.isArray(value)) walk(value, depth + 1);
      else if (values.push(value) > count) throw wrongCount();
    }
  };
  walk(data, 1);
  if (values.length !== count) throw wrongCount();
  return values;
}

/** Stores one value; false when it is none of the type. */
function setter(type: NumericType, data: NumericData): (index: number, value: unknown) => boolean {
  if (type === 'bool') {
    return (index, value) => {
      if (typeof value !== 'boolean' && value !== 0 && value !== 1) return false;
      data[index] = value ? 1 : 0;
      return true;
    };
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const [low, high] = data instanceof BigInt64Array ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
    return (index, value) => {
      if (typeof value !== 'number' || !Number.isInteger(value)) return false;
      const big = BigInt(value);
      data[index] = big;
      return big >= low && big <= high;
    };
  }
  if (data instanceof Float32Array || data instanceof Float64Array) {
    return (index, value) => {
      data[index] = typeof value === 'number' ? value : 0;
      // Beyond the type's range it would become an infinity, which JSON cannot mean: what a model makes of that is not its fault.
      return typeof value === 'number' && Number.isFinite(data[index]);
    };
  }
  // An integer array stores what fits unchanged and anything else wrapped.
  return (index, value) => {
    data[index] = typeof value === 'number' ? value : 0;
    return typeof value === 'number' && data[index] === value;
  };
}

/** A tensor as the answer carries it, as JSON text. @throws HttpError 500 for what JSON cannot say: NaN, infinities, FP16 */
export function outputJson(name: string, tensor: Tensor): string {
  const { type, dims, data } = tensor;
  return `{"name":${JSON.stringify(name)},"shape":[${dims.join(',')}],"datatype":"${datatypeOf(type)}","data":${dataJson(name, type, data)}}`;
}

/** Joined by hand: 64-bit integers stay exact, and nothing is boxed on the way. */
function dataJson(name: string, type: string, data: Tensor['data']): string {
  if (type === 'float16') throw failed(`output "${name}" is FP16, which has no form in JSON`);
  if (Array.isArray(data)) return JSON.stringify(data);
  if (data instanceof Uint8Array && type === 'bool') return JSON.stringify(Array.from(data, (value) => value !== 0));
  if (data instanceof Float32Array || data instanceof Float64Array) {
    const at = firstNotFinite(data);
    if (at >= 0) throw failed(`output "${name}" element ${at} is ${String(data[at])}, which has no form in JSON`);
  }
  return `[${data.join(',')}]`;
}

function firstNotFinite(data: Float32Array | Float64Array): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

function bad(message: string): HttpError {
  return new HttpError(400, { code: 'input.tensor-wrong', message, owner: 'input' });
}

function failed(message: string): HttpError {
  return new HttpError(500, { code: 'device.output-unspeakable', message, owner: 'device' });
}
