/** What a model is: inputs, outputs, operators, sizes, where it comes from. Reads no weights. */
import type { InspectResult, TensorInfo, Warning } from '#contract';
import { rawLength, typeFacts, typeName } from './data-types.ts';
import { isExternal, resolveExternal } from './external.ts';
import { Findings } from './findings.ts';
import type { TypeProto, ValueInfo } from './messages.ts';
import { normalDomain, type OnnxModel, opsetsOf, readModel } from './model.ts';
import { elementCount } from './tensors.ts';
import { nodesOf, tensorsOf } from './walk.ts';
import { stat } from 'node:fs/promises';

/** Operator sets older than this load, but miss operators and rules that quantization wants. */
const OLD_OPSET = 13;

/** @throws what `readModel` throws, and model.external-* or model.bad-* for tensors that cannot be measured */
export async function inspectModel(path: string): Promise<InspectResult> {
  const model = await readModel(path);
  const initializers = new Set(model.graph.initializer.map((tensor) => tensor.name ?? ''));
  // Maps, since a model may name an operator or key after something every object has.
  const ops = new Map<string, number>();
  let nodes = 0;
  for (const node of nodesOf(model)) {
    nodes++;
    const domain = normalDomain(node.domain);
    const name = domain ? `${domain}.${node.opType ?? ''}` : (node.opType ?? '');
    ops.set(name, (ops.get(name) ?? 0) + 1);
  }
  const precision: Record<string, number> = {};
  let parameters = 0;
  for (const { tensor, initializer } of tensorsOf(model)) {
    if (!initializer) continue;
    const elements = elementCount(tensor);
    parameters += elements;
    const facts = typeFacts(tensor.dataType);
    const bytes = facts ? rawLength(facts.bits, elements) : 0;
    precision[typeName(tensor.dataType)] = (precision[typeName(tensor.dataType)] ?? 0) + bytes;
  }
  const producer = [model.producerName, model.producerVersion].filter(Boolean).join(' ');
  const inputs = model.graph.input.filter((info) => !initializers.has(info.name ?? '')).map(tensorInfo);
  return {
    inputs,
    outputs: model.graph.output.map(tensorInfo),
    opsets: Object.fromEntries([...opsetsOf(model)].map(([domain, version]) => [domain || 'ai.onnx', version])),
    irVersion: Number(model.irVersion ?? 0n),
    nodes,
    parameters,
    bytes: model.fileBytes + (await externalBytes(model)),
    producer,
    framework: frameworkOf(model),
    precision,
    ops: Object.fromEntries([...ops].sort(([a], [b]) => (a < b ? -1 : 1))),
    metadata: Object.fromEntries(model.metadataProps.map((entry) => [entry.key ?? '', entry.value ?? ''])),
    warnings: warningsOf(model, inputs),
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

function typeInfo(type: TypeProto | undefined): { type: string; dims: (number | string)[] } {
  const tensor = type?.tensorType ?? type?.sparseTensorType;
  if (tensor) {
    const dims = (tensor.shape?.dim ?? []).map((dim) => (dim.dimValue !== undefined ? Number(dim.dimValue) : dim.dimParam || '?'));
    return { type: typeName(tensor.elemType), dims };
  }
  if (type?.sequenceType) return { type: `sequence(${typeInfo(type.sequenceType.elemType).type})`, dims: [] };
  if (type?.optionalType) return { type: `optional(${typeInfo(type.optionalType.elemType).type})`, dims: [] };
  if (type?.mapType) return { type: `map(${typeName(type.mapType.keyType)}, ${typeInfo(type.mapType.valueType).type})`, dims: [] };
  return { type: 'unknown', dims: [] };
}

/** Exporters sign what they make; quantizers and optimizers sign over it, then the traces they leave inside decide. */
function frameworkOf(model: OnnxModel): string {
  const producer = (model.producerName ?? '').toLowerCase();
  const known: [RegExp, string][] = [
    [/pytorch|torch/, 'PyTorch'],
    [/tf2onnx|tensorflow/, 'TensorFlow'],
    [/keras/, 'Keras'],
    [/skl2onnx/, 'scikit-learn'],
    [/onnxmltools/, 'LightGBM, XGBoost or another tree library'],
    [/paddle/, 'PaddlePaddle'],
    [/jax/, 'JAX'],
    [/matlab/, 'MATLAB'],
  ];
  const named = known.find(([pattern]) => pattern.test(producer));
  if (named) return named[1];
  const keys = [...model.metadataProps, ...(model.graph.node[0]?.metadataProps ?? [])].map((entry) => entry.key ?? '');
  if (keys.some((key) => key.startsWith('pkg.torch'))) return 'PyTorch';
  if (model.graph.node.some((node) => node.name?.startsWith('StatefulPartitionedCall'))) return 'TensorFlow';
  return 'unknown';
}

function warningsOf(model: OnnxModel, inputs: readonly TensorInfo[]): Warning[] {
  const findings = new Findings();
  const opset = opsetsOf(model).get('');
  if (opset !== undefined && opset < OLD_OPSET) {
    findings.warn('opset.old', `Operator set ${opset} is old. Export with ${OLD_OPSET} or newer before quantizing: per-channel scales need it.`);
  }
  for (const input of inputs) {
    const open = input.dims.slice(1).filter((dim) => typeof dim === 'string');
    if (open.length > 0)
      findings.warn(
        'shape.dynamic',
        `Input ${JSON.stringify(input.name)} has open dimensions (${open.join(', ')}). Accelerators that want fixed shapes cannot run it as it is.`,
        input.name,
      );
  }
  if (model.graph.initializer.some(isExternal)) findings.warn('external.data', 'The weights lie in another file beside the model. Keep the two together.');
  return findings.all();
}
