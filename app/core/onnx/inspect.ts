/** What a model is: inputs, outputs, operators, sizes, where it comes from. Reads no weights. */
import { stat } from 'node:fs/promises';
import type { InspectResult, TensorInfo } from '#contract';
import { typeName } from './data-types.ts';
import { isExternal, resolveExternal } from './external.ts';
import { ModelIndex } from './graph-index.ts';
import { operatorName } from './graph-links.ts';
import type { ValueInfo } from './messages.ts';
import { type OnnxModel, opsetsOf, readModel } from './model.ts';
import { countOf, sumOf } from './numbers.ts';
import { originOf } from './origin.ts';
import { elementCount } from './tensors.ts';
import { typeInfo } from './types.ts';
import { tensorsOf } from './walk.ts';
import { modelWarnings } from './warnings.ts';

/** @throws what `readModel` throws, and model.external-* or model.bad-* for tensors that cannot be measured */
export async function inspectModel(path: string): Promise<InspectResult> {
  const model = await readModel(path);
  for (const { tensor } of tensorsOf(model)) elementCount(tensor);
  const index = new ModelIndex(model);
  const facts = modelFacts(index, await externalBytes(model));
  return { ...facts, warnings: modelWarnings(index, facts) };
}

/** The facts of a model that was read. @param externalSize bytes of its external files */
export function modelFacts(index: ModelIndex, externalSize: number): Omit<InspectResult, 'warnings'> {
  const { model } = index;
  const initializers = new Set(model.graph.initializer.map((tensor) => tensor.name ?? ''));
  // Maps, since a model may name an operator or key after something every object has.
  const ops = new Map<string, number>();
  for (const graph of index.graphs) for (const node of graph.node) ops.set(operatorName(node), (ops.get(operatorName(node)) ?? 0) + 1);
  const precision = new Map<string, number>();
  const weights = index.tensors().filter((tensor) => tensor.role !== 'attribute');
  for (const { tensor, bytes } of weights) precision.set(typeName(tensor.dataType), sumOf([precision.get(typeName(tensor.dataType)) ?? 0, bytes]));
  return {
    inputs: model.graph.input.filter((info) => !initializers.has(info.name ?? '')).map(tensorInfo),
    outputs: model.graph.output.map(tensorInfo),
    opsets: Object.fromEntries([...opsetsOf(model)].map(([domain, version]) => [domain || 'ai.onnx', version])),
    irVersion: countOf(model.irVersion),
    nodes: sumOf(index.graphs.map((graph) => graph.node.length)),
    parameters: sumOf(weights.map((tensor) => tensor.elements)),
    bytes: sumOf([model.fileBytes, externalSize]),
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    framework: originOf(model).framework,
    precision: Object.fromEntries(precision),
    ops: Object.fromEntries([...ops].sort(([a], [b]) => (a < b ? -1 : 1))),
    metadata: Object.fromEntries(model.metadataProps.map((entry) => [entry.key ?? '', entry.value ?? ''])),
  };
}

/** The files that hold external data of this model, absolute, each once. */
export async function externalFiles(model: OnnxModel): Promise<string[]> {
  const paths = new Set<string>();
  const known = new Map<string, string>();
  for (const { tensor } of tensorsOf(model)) {
    if (!isExternal(tensor)) continue;
    const location = tensor.externalData.find((entry) => entry.key === 'location')?.value ?? '';
    const before = known.get(location);
    const path = before ?? (await resolveExternal(model.dir, tensor, undefined)).path;
    known.set(location, path);
    paths.add(path);
  }
  return [...paths];
}

async function externalBytes(model: OnnxModel): Promise<number> {
  let bytes = 0;
  for (const path of await externalFiles(model)) if (path !== model.path) bytes += (await stat(path)).size;
  return bytes;
}

function tensorInfo(info: ValueInfo): TensorInfo {
  return { name: info.name ?? '', ...typeInfo(info.type) };
}
