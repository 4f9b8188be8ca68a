/** What is known of the values of a graph before it runs: type, dimensions, small constants. Whatever is not known is undefined. */
import { typeFacts, typeName } from './data-types.ts';
import { MAX_KNOWN_NUMBERS } from './limits.ts';
import type { TensorProto, TypeProto } from './messages.ts';
import { isFileRange, WireReader } from './wire-reader.ts';

/** One entry an axis; undefined where its size is open. */
export type Dims = readonly (number | undefined)[];

export interface Value {
  /** As `valueTypeName` writes it. */
  type?: string | undefined;
  dims?: Dims | undefined;
  /** The elements, of a small tensor of whole numbers that never changes. */
  numbers?: readonly number[] | undefined;
  /** Its elements are decided by whoever calls the model, not by the model alone. */
  fromCaller?: boolean | undefined;
}

/** The values that can be seen in a graph; those around it through `parent`. */
export class Values {
  readonly #parent: Values | undefined;
  readonly #own = new Map<string, Value>();

  constructor(parent?: Values) {
    this.#parent = parent;
  }

  get(name: string): Value | undefined {
    return this.#own.get(name) ?? this.#parent?.get(name);
  }

  set(name: string, value: Value): void {
    this.#own.set(name, value);
  }
}

/** `float32`, `seq(int64)`, `optional(float32)`, `map(string,float32)`, `sparse_tensor(float32)`; undefined when it is not all there. */
export function valueTypeName(type: TypeProto | undefined): string | undefined {
  let before = '';
  let after = '';
  for (let at = type; at; ) {
    const tensor = at.tensorType ?? at.sparseTensorType;
    if (tensor) {
      if (!typeFacts(tensor.elemType)) return undefined;
      const name = typeName(tensor.elemType);
      return `${before}${at.sparseTensorType ? `sparse_tensor(${name})` : name}${after}`;
    }
    if (at.sequenceType) [before, at] = [`${before}seq(`, at.sequenceType.elemType ?? {}];
    else if (at.optionalType) [before, at] = [`${before}optional(`, at.optionalType.elemType ?? {}];
    else if (at.mapType) [before, at] = [`${before}map(${typeName(at.mapType.keyType)},`, at.mapType.valueType ?? {}];
    else return undefined;
    after += ')';
  }
  return undefined;
}

/** Dimensions that are declared; a negative or symbolic one is open. */
export function declaredDims(type: TypeProto | undefined): Dims | undefined {
  return type?.tensorType?.shape?.dim.map(({ dimValue }) => (dimValue !== undefined && dimValue >= 0n ? Number(dimValue) : undefined));
}

export function tensorValue(tensor: TensorProto): Value {
  const dims = tensor.dims.map(Number);
  return { type: typeFacts(tensor.dataType)?.name, dims, numbers: smallNumbers(tensor, dims) };
}

function smallNumbers(tensor: TensorProto, dims: readonly number[]): number[] | undefined {
  const type = typeFacts(tensor.dataType)?.name;
  const count = dims.reduce((product, dim) => product * dim, 1);
  if ((type !== 'int64' && type !== 'int32') || count > MAX_KNOWN_NUMBERS) return undefined;
  const bytes = tensor.rawData ?? (type === 'int64' ? tensor.int64Data : tensor.int32Data);
  if (bytes === undefined || isFileRange(bytes)) return count === 0 ? [] : undefined;
  const numbers: number[] = [];
  if (tensor.rawData) {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = type === 'int64' ? 8 : 4;
    for (let at = 0; at + size <= view.length; at += size) numbers.push(size === 8 ? Number(view.readBigInt64LE(at)) : view.readInt32LE(at));
  } else {
    const reader = new WireReader({ data: bytes });
    while (reader.pos < bytes.length && numbers.length <= count) numbers.push(Number(BigInt.asIntN(64, reader.varint64(bytes.length))));
  }
  return numbers.length === count ? numbers : undefined;
}

/** `[?, 3, 224, 224]` */
export function dimsText(dims: Dims | undefined): string {
  return dims === undefined
    ? '[…]'
    : `[${dims
        .slice(0, 16)
        .map((dim) => dim ?? '?')
        .join(', ')}${dims.length > 16 ? ', …' : ''}]`;
}
