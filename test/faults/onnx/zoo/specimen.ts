/** One model of the zoo, and short ways to make one. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Attribute,
  AttributeType,
  DataType,
  type Graph,
  makeAttribute,
  makeNode,
  makeTensor,
  type ModelProto,
  type Node,
  serializeModel,
  type TensorProto,
  type ValueInfo,
} from '#core/onnx';
import { graph, model, value } from '../../../unit/onnx/models.ts';

export interface Specimen {
  name: string;
  /**
   * `taken`: sound or with warnings, never refused. `sound`: without warnings. `reject`: refused with a reason. `bounded`: either, and in
   * neither case more than 30 s and 1 GB.
   */
  expect: 'sound' | 'taken' | 'reject' | 'bounded';
  /** What a refusal must name. */
  names?: RegExp;
  /** Makes it in a folder of its own. @returns the path of the model; undefined where this system cannot have such a thing */
  make(dir: string): Promise<string | undefined>;
}

export type Many = readonly Specimen[];
type Proto = ModelProto | Uint8Array;

/** @param proto made when it is wanted: some are large */
export function specimen(name: string, expect: Specimen['expect'], proto: () => Proto | Promise<Proto>, names?: RegExp): Specimen {
  return {
    name,
    expect,
    ...(names && { names }),
    make: async (dir) => {
      const made = await proto();
      await mkdir(dir, { recursive: true });
      const path = join(dir, 'model.onnx');
      await writeFile(path, made instanceof Uint8Array ? made : await serializeModel(made));
      return path;
    },
  };
}

/** `{ axis: 1, shape: [1, 2], mode: 'linear', alpha: 0.5 }` as attributes; a graph, a tensor or texts as they are. Whole numbers are ints. */
export function attributes(
  values: Readonly<Record<string, number | bigint | string | number[] | Float | Floats | string[] | TensorProto | Graph>>,
): Attribute[] {
  return Object.entries(values).map(([name, given]): Attribute => {
    if (given instanceof Float) return makeAttribute(name, { float: given.value });
    if (given instanceof Floats) return { ...makeAttribute(name, { int: 0 }), i: undefined, floats: given.values, type: AttributeType.floats };
    if (typeof given === 'number' || typeof given === 'bigint') return makeAttribute(name, { int: given as number });
    if (typeof given === 'string') return makeAttribute(name, { text: given });
    if (!Array.isArray(given)) {
      if ('node' in given) return { ...makeAttribute(name, { int: 0 }), i: undefined, g: given, type: AttributeType.graph };
      return makeAttribute(name, { tensor: given });
    }
    if (given.every((one) => typeof one === 'number')) return makeAttribute(name, { ints: given });
    return { ...makeAttribute(name, { int: 0 }), i: undefined, strings: given.map((text) => Buffer.from(text)), type: AttributeType.strings };
  });
}

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
export class Floats {
  readonly values: number[];
  constructor(values: number[]) {
    this.values = values;
  }
}

export function node(op: string, input: string[], output: string[], given: Parameters<typeof attributes>[0] = {}, domain?: string): Node {
  return makeNode(op, input, output, { name: `the ${op}`, attribute: attributes(given), ...(domain !== undefined && { domain }) });
}

export const floats = (name: string, dims: number[], data: number[] | Float32Array) => makeTensor(name, 'float32', dims, Float32Array.from(data));
export const ints = (name: string, dims: number[], data: (number | bigint)[]) => makeTensor(name, 'int64', dims, BigInt64Array.from(data.map(BigInt)));
export const int32 = (name: string, dims: number[], data: number[]) => makeTensor(name, 'int32', dims, Int32Array.from(data));
export const bytes = (name: string, type: 'int8' | 'uint8', dims: number[], data: number[]) => makeTensor(name, type, dims, Uint8Array.from(data));
export const bool = (name: string, on: boolean) => makeTensor(name, 'bool', [], Uint8Array.of(on ? 1 : 0));

export interface Parts {
  nodes: Node[];
  weights?: TensorProto[];
  inputs?: ValueInfo[];
  outputs?: ValueInfo[];
  opset?: number;
  /** Further operator sets by domain. */
  domains?: Record<string, number>;
  ir?: number;
  more?: Partial<ModelProto>;
  graph?: Partial<Graph>;
}

/** A model of these nodes, from `x` float32[1, 4] to `y` of whatever shape. */
export function of({
  nodes,
  weights = [],
  inputs = [value('x')],
  outputs = [open('y')],
  opset = 21,
  domains = {},
  ir = 10,
  more = {},
  graph = {},
}: Parts): ModelProto {
  return model(
    { node: nodes, initializer: weights, input: inputs, output: outputs, ...graph },
    {
      irVersion: BigInt(ir),
      opsetImport: [{ domain: '', version: BigInt(opset) }, ...Object.entries(domains).map(([domain, version]) => ({ domain, version: BigInt(version) }))],
      ...more,
    },
  );
}

/** A value of which nothing is said but its type. */
export function open(name: string, type: number = DataType.float32): ValueInfo {
  return { name, type: { tensorType: { elemType: type } }, metadataProps: [] };
}

/** More than anybody has. */
export const HUGE = 1_000_000_000_000;

/** A model of one node that reads x and weights. */
export const one = (
  op: string,
  input: string[],
  given: Parameters<typeof node>[3] = {},
  weights: TensorProto[] = [],
  more: Partial<Parameters<typeof of>[0]> & { domain?: string } = {},
) => {
  const { domain, ...parts } = more;
  return of({ nodes: [node(op, input, ['y'], given, domain)], weights, ...parts });
};
export const image = (size = 4) => ({ inputs: [value('x', [1, 1, size, size])] });

export { graph, value };
