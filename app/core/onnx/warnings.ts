/** What a person should know of a model before running, quantizing or deploying it, each with what to do about it. */
import type { InspectResult, ModelReport, Warning } from '#contract';
import { typeFacts, typeName } from './data-types.ts';
import { shown } from './errors.ts';
import { Findings } from './findings.ts';
import type { ModelIndex } from './graph-index.ts';
import { functionName, operatorName } from './graph-links.ts';
import { MAX_IR_VERSION, MAX_QUICK_SCAN_BYTES, MAX_VIEW_LIST } from './limits.ts';
import { normalDomain, opsetsOf } from './model.ts';
import { warnOfNonNumbers } from './non-numbers.ts';
import { sumOf } from './numbers.ts';
import { NEWEST_OPSET, operatorSchemas } from './operators.ts';
import { rawBytes } from './tensors.ts';

/** Operator sets older than this load, but miss operators and rules that quantization wants. */
const OLD_OPSET = 13;

type Interface = Pick<InspectResult, 'inputs' | 'precision'>;

/** @param findings what was found before */
export function modelWarnings(index: ModelIndex, facts: Interface, external?: ModelReport['external'], findings = new Findings()): Warning[] {
  versions(index, findings);
  shapes(facts, findings);
  if (external) externalData(external, findings);
  precision(facts, findings);
  operators(index, findings);
  const { model } = index;
  if (model.trainingInfo.length > 0) {
    findings.warn(
      'model.training',
      'The model carries training information, which is not used.',
      undefined,
      'Export it for inference: the file becomes smaller.',
    );
  }
  return findings.all();
}

/** Looks through the weights where that is quick: when they are few. `check` reads them all. */
export async function warnOfFewWeights(index: ModelIndex, findings: Findings): Promise<void> {
  const weights = index.tensors().filter((row) => row.role === 'initializer');
  if (sumOf(weights.map((row) => row.bytes)) > MAX_QUICK_SCAN_BYTES) return;
  for (const { tensor, name } of weights) {
    // Missing or misplaced data is reported as such.
    const bytes = (await rawBytes(index.model.dir, tensor).catch(() => undefined)) ?? tensor.floatData ?? tensor.doubleData;
    if (bytes) await warnOfNonNumbers(bytes, typeName(tensor.dataType), name, findings);
  }
}

function versions({ model }: ModelIndex, findings: Findings): void {
  const ir = model.irVersion ?? 0n;
  if (ir > BigInt(MAX_IR_VERSION)) {
    findings.warn(
      'ir.too-new',
      `The file is of IR version ${ir}; ONNX Runtime here loads ${MAX_IR_VERSION} or older.`,
      undefined,
      'Export it with an older version of the exporter.',
    );
  }
  const opset = opsetsOf(model).get('');
  if (opset !== undefined && opset < OLD_OPSET) {
    findings.warn(
      'opset.old',
      `Operator set ${opset} is old: per-channel scales need ${OLD_OPSET} or newer.`,
      undefined,
      `Export it with operator set ${OLD_OPSET} or newer before quantizing.`,
    );
  }
  for (const [domain, version] of opsetsOf(model)) {
    const newest = NEWEST_OPSET.get(domain);
    if (newest !== undefined && version > newest) {
      findings.warn(
        'opset.too-new',
        `Operator set ${version} of ${domain || 'ai.onnx'} is newer than ONNX Runtime here supports (${newest}).`,
        undefined,
        `Export it with operator set ${newest} or older.`,
      );
    }
  }
}

function shapes({ inputs }: Interface, findings: Findings): void {
  for (const input of inputs.slice(0, MAX_VIEW_LIST)) {
    const open = input.dims.slice(1).filter((dim) => typeof dim === 'string');
    if (open.length > 0) {
      findings.warn(
        'shape.dynamic',
        `Input ${shown(input.name)} has open dimensions (${open.map((dim) => shown(String(dim)).slice(1, -1)).join(', ')}). Accelerators that want fixed shapes cannot run it as it is.`,
        input.name,
        'Export it with the shape you use, where the device is an NPU or runs TensorRT, QNN or Core ML. CPUs need nothing.',
      );
    }
    if (input.dims.length > 1 && input.dims[0] === 1) {
      findings.warn(
        'shape.batch-one',
        `Input ${shown(input.name)} takes one sample at a time.`,
        input.name,
        'That is right for answers one by one. To score test sets faster, export it with an open first dimension.',
      );
    }
  }
}

function externalData(external: ModelReport['external'], findings: Findings): void {
  if (external.files.length === 0) return;
  const good = external.files.filter((file) => file.problem === undefined);
  if (good.length > 0) {
    const names = good.slice(0, 3).map((file) => shown(file.location));
    findings.warn(
      'external.data',
      `The weights lie in ${names.join(', ')}${good.length > 3 ? ` and ${good.length - 3} more files` : ''} beside the model.`,
      undefined,
      'Keep the files together: the model cannot be loaded without them.',
    );
  }
  for (const file of external.files) {
    if (file.problem === undefined) continue;
    findings.warn(
      'external.unusable',
      file.problem,
      file.location,
      `Put the file that holds the weights beside the model, under the name it was exported with.`,
    );
  }
}

function precision({ precision: bytes }: Interface, findings: Findings): void {
  const half = ['float16', 'bfloat16'].filter((type) => (bytes[type] ?? 0) > 0);
  if (half.length > 0) {
    findings.warn(
      'precision.half',
      `Weights are ${half.join(' and ')}. ONNX Runtime computes few operators in them on a CPU: it converts around the others, and refuses what has no kernel.`,
      undefined,
      'Use fp16 on GPUs and NPUs. For a CPU take the fp32 model or an int8 variant.',
    );
  }
  const rare = Object.keys(bytes).filter((type) => type.startsWith('float8') || type === 'float4e2m1' || type === 'uint2' || type === 'int2');
  if (rare.length > 0) {
    findings.warn(
      'precision.rare',
      `Weights are ${rare.join(', ')}, which few execution providers compute with.`,
      undefined,
      'Run it once on the device before relying on it.',
    );
  }
}

/** Operators that ONNX Runtime 1.30 does not have, each once, with where it is first used. */
function operators(index: ModelIndex, findings: Findings): void {
  const { model } = index;
  const opsets = opsetsOf(model);
  const seen = new Set<string>();
  for (const graph of index.graphs) {
    for (const node of graph.node) {
      const name = operatorName(node);
      if (seen.has(name)) continue;
      seen.add(name);
      if (index.numberOf.has(functionName(node.domain, node.opType, node.overload))) continue;
      const domain = normalDomain(node.domain);
      const version = opsets.get(domain);
      const signatures = operatorSchemas(domain, node.opType ?? '');
      const signature = signatures?.findLast((candidate) => candidate.since <= (version ?? Number.POSITIVE_INFINITY));
      if (signature && !signature.deprecated) continue;
      findings.warn(
        'op.unknown',
        signatures ? `The operator ${shown(name)} is not part of operator set ${version}.` : `ONNX Runtime here does not know the operator ${shown(name)}.`,
        node.name || node.output[0] || undefined,
        signatures ? 'Export the model again, with a matching operator set.' : 'Export it with standard operators, or as a local function.',
      );
    }
  }
  for (const tensor of index.tensors()) {
    if (!typeFacts(tensor.tensor.dataType))
      findings.warn('tensor.bad-type', `Tensor ${shown(tensor.name)} has an element type that does not exist.`, tensor.name, 'Export the model again.');
  }
}
