/**
 * Which framework and exporter a model came from. Exporters sign what they make; optimizers and quantizers sign over it, then
 * the traces left inside decide. Nothing is claimed that the file does not show.
 */
import type { Origin } from '#contract';
import { findAttribute } from './attributes.ts';
import { shown } from './errors.ts';
import type { ModelProto, Node } from './messages.ts';

/** What a Hugging Face export leaves beside the model, when there is one. */
export interface Beside {
  /** `transformers_version` of config.json. */
  transformers?: string | undefined;
}

type Found = Omit<Origin, 'evidence'>;

/** Nodes looked at for traces. */
const LOOKED_AT = 500;

const UNKNOWN: Found = { framework: 'unknown', exporter: 'unknown' };

/** Producers that are no exporter of a framework: they rewrite what another made. */
const REWRITERS = /onnx\.quantize|onnxruntime|olive|neural.compressor|onnx-?simplifier|onnx-?optimizer|onnxscript|onnx\.utils|quark|modelopt|edgewright/i;

/** Exporters of which nothing more needs to be told apart. */
const OTHERS: readonly [RegExp, string, string][] = [
  [/paddle/i, 'PaddlePaddle', 'Paddle2ONNX'],
  [/jax/i, 'JAX', 'jax2onnx'],
  [/matlab/i, 'MATLAB', 'Deep Learning Toolbox'],
  [/catboost/i, 'CatBoost', 'CatBoost'],
  [/^ml\.net/i, 'ML.NET', 'ML.NET'],
  [/coreml/i, 'Core ML', 'coremltools'],
  [/mxnet/i, 'MXNet', 'MXNet'],
  [/caffe2/i, 'Caffe2', 'Caffe2'],
  [/cntk/i, 'CNTK', 'CNTK'],
  [/keras2onnx/i, 'Keras', 'keras2onnx'],
];

/** @param beside what was found beside the file; nothing is read here */
export function originOf(model: ModelProto, beside: Beside = {}): Origin {
  const producer = model.producerName ?? '';
  const evidence = producer ? [`signed by ${shown([producer, model.producerVersion].filter(Boolean).join(' '))}`] : [];
  const rewritten = producer === '' || REWRITERS.test(producer);
  const named = rewritten ? fromTraces(model, evidence) : fromProducer(model, evidence);
  if (beside.transformers !== undefined && (named.framework === 'PyTorch' || named.framework === 'unknown')) {
    evidence.push(`config.json beside it names transformers ${shown(beside.transformers)}`);
    return { ...named, framework: 'Hugging Face Transformers (PyTorch)', frameworkVersion: beside.transformers, exporter: 'Hugging Face optimum', evidence };
  }
  if (named.framework === 'unknown') evidence.push('nothing else in the file tells');
  return { ...named, evidence };
}

function fromProducer(model: ModelProto, evidence: string[]): Found {
  const producer = (model.producerName ?? '').toLowerCase();
  const version = (model.producerVersion ?? '').trim();
  if (producer === 'pytorch') return torch(model, evidence, version);
  if (producer === 'tf2onnx') return { ...tensorflow(model, evidence), exporter: 'tf2onnx', ...versionPart('exporterVersion', version.split(' ')[0]) };
  if (producer === 'skl2onnx') return { ...sklearn(model, evidence), exporter: 'skl2onnx', ...versionPart('exporterVersion', version) };
  if (producer === 'onnxmltools') return { ...trees(model, evidence), exporter: 'onnxmltools', ...versionPart('exporterVersion', version) };
  const other = OTHERS.find(([pattern]) => pattern.test(producer));
  return other ? { framework: other[1], exporter: other[2], ...versionPart('exporterVersion', version) } : fromTraces(model, evidence);
}

function versionPart<K extends string>(key: K, version: string | undefined): { [k in K]?: string } {
  return version ? ({ [key]: version } as { [k in K]: string }) : {};
}

/** Of PyTorch's two exporters, TorchDynamo leaves metadata or `node_` names, TorchScript `/module/Op` names and `onnx::` values. */
function torch(model: ModelProto, evidence: string[], version: string): Found {
  const found = { framework: 'PyTorch', ...versionPart('frameworkVersion', version), ...versionPart('exporterVersion', version) };
  const dynamo = dynamoTrace(model);
  if (dynamo) {
    evidence.push(dynamo);
    return { ...found, exporter: 'torch.onnx (TorchDynamo)' };
  }
  const script = scriptTrace(model);
  if (script) {
    evidence.push(script);
    return { ...found, exporter: 'torch.onnx (TorchScript)' };
  }
  return { ...found, exporter: 'torch.onnx' };
}

function some(nodes: readonly Node[], matches: (node: Node) => boolean | undefined): boolean {
  return nodes.slice(0, LOOKED_AT).some(matches);
}

function dynamoTrace(model: ModelProto): string | undefined {
  const nodes = model.graph?.node ?? [];
  if (model.functions.some((fn) => /^pkg\.(onnxscript|torch)/.test(fn.domain ?? ''))) return 'it holds functions of onnxscript';
  if (some(nodes, (node) => node.metadataProps.some((entry) => entry.key?.startsWith('pkg.torch')))) return 'its nodes carry PyTorch scopes';
  if (some(nodes, (node) => /^node_[A-Za-z_]+_?\d*$/.test(node.name ?? ''))) return "its nodes are named as TorchDynamo's exporter names them";
  return undefined;
}

function scriptTrace(model: ModelProto): string | undefined {
  const name = model.graph?.name ?? '';
  if (/^torch[-_]jit/.test(name)) return `its graph is named ${shown(name)}`;
  const nodes = model.graph?.node ?? [];
  if (some(nodes, (node) => node.input.some((value) => /^onnx::[A-Za-z]+_\d+$/.test(value))))
    return "its values are named as TorchScript's exporter names them";
  if (some(nodes, (node) => /^\/.*[A-Z][A-Za-z]*(_\d+)?$/.test(node.name ?? ''))) return "its nodes are named as TorchScript's exporter names them";
  return undefined;
}

/** tf2onnx takes TensorFlow, Keras and TFLite; TFLite joins fused names by `;` and marks its own with `tfl`. */
function tensorflow(model: ModelProto, evidence: string[]): Found {
  const nodes = model.graph?.node ?? [];
  const values = (node: Node) => [node.name ?? '', ...node.input, ...node.output];
  if (some(nodes, (node) => values(node).some((name) => /(^|\/)tfl\.|;/.test(name)))) {
    evidence.push('its names are those of a TFLite file');
    return { framework: 'TensorFlow Lite', exporter: 'unknown' };
  }
  if (some(nodes, (node) => values(node).some((name) => /(^|\/)(functional|sequential|model)(_\d+)?\//.test(name)))) {
    evidence.push('its names are those of a Keras model');
    return { framework: 'Keras (TensorFlow)', exporter: 'unknown' };
  }
  return { framework: 'TensorFlow', exporter: 'unknown' };
}

const TREES = /^TreeEnsemble/;

function sklearn(model: ModelProto, evidence: string[]): Found {
  const inside = trees(model, []).framework;
  const nodes = model.graph?.node ?? [];
  // skl2onnx converts boosters inside a pipeline by converters that keep their names.
  if (inside === 'XGBoost' || some(nodes, (node) => /^(lgbm|lightgbm)/i.test(node.name ?? ''))) {
    const booster = inside === 'XGBoost' ? 'XGBoost' : 'LightGBM';
    evidence.push(`its trees are ${booster}'s`);
    return { framework: `scikit-learn with ${booster}`, exporter: 'unknown' };
  }
  return { framework: 'scikit-learn', exporter: 'unknown' };
}

/** XGBoost goes left when a feature is less than the threshold, LightGBM when it is less or equal. */
function trees(model: ModelProto, evidence: string[]): Found {
  for (const node of model.graph?.node ?? []) {
    if (/^(lgbm|lightgbm)/i.test(node.name ?? '')) {
      evidence.push(`a node is named ${shown(node.name ?? '')}`);
      return { framework: 'LightGBM', exporter: 'unknown' };
    }
    if (!TREES.test(node.opType ?? '')) continue;
    const modes =
      findAttribute(node, 'nodes_modes')
        ?.strings.slice(0, LOOKED_AT)
        .map((mode) => Buffer.from(mode).toString('latin1')) ?? [];
    if (modes.includes('BRANCH_LT')) {
      evidence.push('its trees branch on "less than", as those of XGBoost do');
      return { framework: 'XGBoost', exporter: 'unknown' };
    }
    if (modes.includes('BRANCH_LEQ')) {
      evidence.push('its trees branch on "less or equal", as those of LightGBM do');
      return { framework: 'LightGBM', exporter: 'unknown' };
    }
  }
  return UNKNOWN;
}

/** For models that were written again by a tool that did not make them. */
function fromTraces(model: ModelProto, evidence: string[]): Found {
  if (model.metadataProps.some((entry) => entry.key?.startsWith('pkg.torch')) || dynamoTrace(model)) return torch(model, evidence, '');
  if (scriptTrace(model)) return torch(model, evidence, '');
  const graphName = model.graph?.name ?? '';
  if (graphName === 'tf2onnx' || some(model.graph?.node ?? [], (node) => /^StatefulPartitionedCall/.test(node.name ?? ''))) {
    evidence.push(graphName === 'tf2onnx' ? "its graph is named 'tf2onnx'" : 'its nodes are named as TensorFlow names them');
    return { ...tensorflow(model, evidence), exporter: 'tf2onnx' };
  }
  return UNKNOWN;
}
