/** Small models for tests here and elsewhere, made with the room's own helpers. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DataType,
  type FunctionProto,
  type Graph,
  makeNode,
  makeTensor,
  type ModelProto,
  type Node,
  serializeModel,
  type TensorProto,
  type ValueInfo,
} from '#core/onnx';

export const fixture = (name: string): string => join(import.meta.dirname, '..', '..', 'fixtures', name);

export async function tempDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'edgewright-onnx-test-'));
}

export function value(name: string, dims: readonly (number | string)[] = [1, 4], type: number = DataType.float32): ValueInfo {
  const dim = dims.map((size) => (typeof size === 'number' ? { dimValue: BigInt(size) } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: type, shape: { dim } } }, metadataProps: [] };
}

export function graph(parts: Partial<Graph>): Graph {
  return {
    node: [],
    name: 'g',
    initializer: [],
    input: [],
    output: [],
    valueInfo: [],
    quantizationAnnotation: [],
    sparseInitializer: [],
    metadataProps: [],
    ...parts,
  };
}

export function model(parts: Partial<Graph>, more: Partial<ModelProto> = {}): ModelProto {
  return {
    irVersion: 10n,
    producerName: 'test',
    opsetImport: [{ domain: '', version: 17n }],
    metadataProps: [],
    trainingInfo: [],
    functions: [],
    graph: graph(parts),
    ...more,
  };
}

/** A function of one input, `a`, and one output, `b`. */
export function functionProto(name: string, node: Node[], more: Partial<FunctionProto> = {}): FunctionProto {
  return {
    name,
    domain: 'local',
    input: ['a'],
    output: ['b'],
    attribute: [],
    attributeProto: [],
    valueInfo: [],
    metadataProps: [],
    opsetImport: [
      { domain: '', version: 17n },
      { domain: 'local', version: 1n },
    ],
    node,
    ...more,
  };
}

/** x -> MatMul w -> Relu -> y */
export function small(parts: { nodes?: Node[]; initializers?: TensorProto[]; outputs?: ValueInfo[] } = {}, more: Partial<ModelProto> = {}): ModelProto {
  return model(
    {
      node: parts.nodes ?? [makeNode('MatMul', ['x', 'w'], ['a'], { name: 'product' }), makeNode('Relu', ['a'], ['y'], { name: 'relu' })],
      input: [value('x')],
      output: parts.outputs ?? [value('y', [1, 3])],
      initializer: parts.initializers ?? [
        makeTensor(
          'w',
          'float32',
          [4, 3],
          Float32Array.from({ length: 12 }, (_, i) => i / 8 - 0.5),
        ),
      ],
    },
    more,
  );
}

/** Writes the model into a folder of its own (or `dir`); returns its path. */
export async function saved(proto: ModelProto | Uint8Array, dir?: string): Promise<string> {
  const path = join(dir ?? (await tempDir()), 'model.onnx');
  await writeFile(path, proto instanceof Uint8Array ? proto : await serializeModel(proto));
  return path;
}
