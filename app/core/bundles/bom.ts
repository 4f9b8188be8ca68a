/**
 * The bill of materials of one variant: CycloneDX 1.6, a machine-learning-model component with its card. It holds what is known
 * of this very file, nothing of what one would like to know: no field is filled without a fact. The same facts give the same bytes.
 */
import { createHash } from 'node:crypto';
import spdxIds from 'spdx-license-ids/index.json' with { type: 'json' };
import type { InspectResult } from '#contract';
import { MANIFEST_PROPERTY } from './bom-check.ts';
import type { LayerFile } from './layer-file.ts';
import { BOM_OPERATORS_SHOWN, MAX_BOM_LISTED, MAX_BOM_NAME } from './limits.ts';
import type { BundleSource } from './source-schema.ts';
import type { Role } from './source.ts';

export type BomModel = Pick<InspectResult, 'inputs' | 'outputs' | 'opsets' | 'irVersion' | 'nodes' | 'parameters' | 'producer' | 'framework' | 'ops'>;

/** A figure that a trial found, with the bounds of its 95 % interval. */
export interface BomMetric {
  name: string;
  value: number;
  low: number;
  high: number;
}

export interface BomFacts {
  source: BundleSource;
  variant: string;
  precision: string;
  quantization?: string | undefined;
  /** Digest of the variant's manifest. */
  digest: string;
  /** When this document was made, in milliseconds since the epoch. */
  at: number;
  /** Which document about this variant it is: 1 for the first. */
  revision: number;
  model: BomModel;
  /** What it answers, where its recipe says so: `classification` … */
  task?: string | undefined;
  files: readonly Pick<LayerFile, 'path' | 'role' | 'digest' | 'bytes'>[];
  /** The variant it was made from. */
  base?: { variant: string; digest: string } | undefined;
  metric?: BomMetric | undefined;
  /** Version of the program. */
  program: string;
}

const SELF = 'variant';
const SPDX_IDS: ReadonlySet<string> = new Set(spdxIds);
/** Files that are data; examples are there to be looked at, and say nothing of how good the model is. */
const DATASETS: readonly Role[] = ['golden', 'golden-raw', 'calibration', 'test'];
const DATA: readonly Role[] = [...DATASETS, 'example'];

/** The document, ready to be written down by bomBytes. */
export function bomOf(facts: BomFacts): Record<string, unknown> {
  const { source, at, revision } = facts;
  const parts = facts.files.map((file) => componentOf(file));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(facts.digest)}`,
    version: revision,
    metadata: {
      timestamp: new Date(at).toISOString(),
      tools: { components: [{ type: 'application', name: 'edgewright', version: facts.program }] },
      component: {
        type: 'machine-learning-model',
        'bom-ref': SELF,
        name: source.name,
        version: source.version,
        ...(source.description !== undefined && { description: source.description }),
        ...hashesOfModel(facts),
        ...licensesOf(source.license),
        purl: purlOf(source.name, facts.digest),
        ...pedigreeOf(facts),
        modelCard: cardOf(facts),
        properties: propertiesOf(facts),
      },
    },
    components: parts,
    dependencies: [{ ref: SELF, dependsOn: parts.map((part) => part['bom-ref']) }],
  };
}

function componentOf({ path, role, digest, bytes }: BomFacts['files'][number]) {
  const dataset = DATA.includes(role);
  return {
    type: dataset ? 'data' : 'file',
    'bom-ref': refOf(path),
    name: path,
    hashes: [hashOf(digest)],
    ...(dataset && { data: [{ type: 'dataset', name: `${role} set` }] }),
    properties: [property('role', role), property('bytes', bytes)],
  };
}

function refOf(path: string): string {
  return `file:${path}`;
}

function hashOf(digest: string) {
  return { alg: 'SHA-256', content: digest.replace(/^sha256:/, '') };
}

/** A model of one file has that file's hash; one with external weights has none of its own. */
function hashesOfModel({ files }: BomFacts) {
  const model = files.filter(({ role }) => role === 'model' || role === 'weights');
  return model.length === 1 && model[0] ? { hashes: [hashOf(model[0].digest)] } : {};
}

/** CycloneDX wants SPDX expressions told from other texts: identifiers of its list, joined by AND and OR, are taken for one. */
function licensesOf(license: string | undefined) {
  if (license === undefined) return {};
  const isSpdx = license.split(/ (?:AND|OR) /).every((one) => SPDX_IDS.has(one) || /^LicenseRef-[A-Za-z0-9.-]+$/.test(one));
  return { licenses: [isSpdx ? { expression: license } : { license: { name: license } }] };
}

/** https://github.com/package-url/purl-spec, type `oci`: a name and the digest of a manifest. */
function purlOf(name: string, digest: string): string {
  return `pkg:oci/${name}@${encodeURIComponent(digest)}`;
}

function pedigreeOf({ source, base, quantization }: BomFacts) {
  if (!base) return {};
  const ancestor = {
    type: 'machine-learning-model',
    name: source.name,
    version: source.version,
    purl: purlOf(source.name, base.digest),
    properties: [property('variant', base.variant)],
  };
  return { pedigree: { ancestors: [ancestor], notes: `Made from the variant ${base.variant}${quantization === undefined ? '' : `: ${quantization}`}.` } };
}

function cardOf({ model, task, files, metric, source }: BomFacts) {
  const datasets = files.filter(({ role }) => DATASETS.includes(role)).map(({ path }) => ({ ref: refOf(path) }));
  const family = familyOf(model.ops);
  return {
    modelParameters: {
      ...(task !== undefined && { task }),
      ...(family !== undefined && { architectureFamily: family }),
      modelArchitecture: architectureOf(model),
      ...(datasets.length > 0 && { datasets }),
      inputs: model.inputs.slice(0, MAX_BOM_LISTED).map(formatOf),
      outputs: model.outputs.slice(0, MAX_BOM_LISTED).map(formatOf),
    },
    ...(metric && {
      quantitativeAnalysis: { performanceMetrics: [measured(metric, source.test)] },
    }),
  };
}

/** @param slice name of the data it was measured on */
export function measured({ name, value, low, high }: BomMetric, slice: string | undefined) {
  return {
    type: name,
    value: String(value),
    ...(slice !== undefined && { slice }),
    confidenceInterval: { lowerBound: String(low), upperBound: String(high) },
  };
}

function formatOf({ name, type, dims }: InspectResult['inputs'][number]) {
  return { format: `${name.slice(0, MAX_BOM_NAME)}: ${type}[${dims.slice(0, MAX_BOM_LISTED).join(', ').slice(0, MAX_BOM_NAME)}]` };
}

/** By its operators, which say what a graph is made of and no more. */
function familyOf(ops: Record<string, number>): string | undefined {
  const has = (pattern: RegExp) => Object.keys(ops).some((op) => pattern.test(op));
  if (has(/TreeEnsemble/)) return 'tree ensemble';
  if (has(/SVM(Classifier|Regressor)$/)) return 'support vector machine';
  if (has(/Linear(Classifier|Regressor)$/)) return 'linear model';
  if (has(/(^|\.)(Attention|MultiHeadAttention|GroupQueryAttention)$/) || (has(/LayerNormalization$/) && has(/(^|\.)Softmax$/))) return 'transformer network';
  if (has(/(^|\.)(Dynamic(Quantize)?)?(LSTM|GRU|RNN)$/)) return 'recurrent neural network';
  if (has(/Conv/)) return 'convolutional neural network';
  if (has(/MatMul|Gemm/)) return 'feed-forward neural network';
  return undefined;
}

function architectureOf({ nodes, ops }: BomModel): string {
  const most = Object.entries(ops).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const shown = most.slice(0, BOM_OPERATORS_SHOWN).map(([op, count]) => `${count} ${op.slice(0, MAX_BOM_NAME)}`);
  return `ONNX graph of ${nodes} nodes: ${shown.join(', ')}${most.length > BOM_OPERATORS_SHOWN ? ' …' : ''}`;
}

function propertiesOf(facts: BomFacts) {
  const { model, source } = facts;
  return [
    property('variant', facts.variant),
    property('precision', facts.precision),
    ...(facts.quantization === undefined ? [] : [property('quantization', facts.quantization)]),
    { name: MANIFEST_PROPERTY, value: facts.digest },
    property('format', 'onnx'),
    property('onnx:irVersion', model.irVersion),
    ...Object.entries(model.opsets)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, MAX_BOM_LISTED)
      .map(([domain, version]) => property(`onnx:opset:${domain === '' ? 'ai.onnx' : domain.slice(0, MAX_BOM_NAME)}`, version)),
    ...(model.producer === '' ? [] : [property('onnx:producer', model.producer.slice(0, MAX_BOM_NAME))]),
    ...(model.framework === '' || model.framework === 'unknown' ? [] : [property('framework', model.framework)]),
    property('parameters', model.parameters),
    ...(source.limits.p95Ms === undefined ? [] : [property('limit:p95Ms', source.limits.p95Ms)]),
    ...(source.limits.memoryBytes === undefined ? [] : [property('limit:memoryBytes', source.limits.memoryBytes)]),
  ];
}

/** CycloneDX wants a namespace of one's own. */
function property(name: string, value: string | number) {
  return { name: `edgewright:${name}`, value: String(value) };
}

/** A UUID (version 8: made as we like) that names this variant's documents. */
function uuidOf(digest: string): string {
  const bytes = createHash('sha256').update(`edgewright bom ${digest}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
