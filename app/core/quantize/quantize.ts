/** Making a quantized variant of a model. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { EdgewrightError, type Warning } from '#contract';
import { readNpz, type Tensor } from '#core/datasets';
import { embedExternalData, normalDomain, type OnnxModel, readModel, writeModel } from '#core/onnx';
import { ensureDir } from '#core/platform';
import { adjustRanges, calibratedTensors, calibrationBatches, collectRanges, type OpenSession } from './calibrate.ts';
import { quantizeDynamic } from './dynamic.ts';
import { splitGemms } from './gemm.ts';
import { CALIBRATION_BATCH, MAX_CALIBRATION_SAMPLES, MAX_LISTED } from './limits.ts';
import { type QuantizeOptions, QuantizePlan } from './plan.ts';
import { isPrepared, type Optimize, prepareModel } from './prepare.ts';
import { insertQdq } from './qdq-insert.ts';
import { markTensors } from './qdq-operators.ts';
import type { IntegerType } from './rules.ts';

export type QuantizedVariant = 'int8-dynamic' | 'int8-static';

export interface QuantizeRequest {
  modelPath: string;
  outputPath: string;
  variant: QuantizedVariant;
  /** The calibration set, as a path or in memory: arrays `in_<input>`. Static variants need it. */
  calibration?: string | ReadonlyMap<string, Tensor>;
  calibrator?: 'minmax';
  /** Default int8; dynamic variants always use uint8 activations. */
  activations?: IntegerType;
  weights?: IntegerType;
  perChannel?: boolean;
  reduceRange?: boolean;
  symmetricActivations?: boolean;
  /** Names of nodes that stay in float. */
  exclude?: readonly string[];
  /** Run ONNX Runtime's basic optimizations first, unless that was done already. Default true. */
  prepare?: boolean;
  /** Most samples to use, and samples per run; by default all, and 16 where the model takes any number. */
  samples?: number;
  batch?: number;
}

/** What needs ONNX Runtime, which only ever runs in a process of its own. */
export interface QuantizeRuntime {
  open: OpenSession;
  optimize: Optimize;
}

export interface QuantizeResult {
  output: string;
  variant: QuantizedVariant;
  bytes: number;
  seconds: number;
  /** Nodes that were quantized (dynamic) or quantized tensors (static); 0 comes with a warning. */
  quantized: number;
  warnings: Warning[];
}

interface Progress {
  signal?: AbortSignal;
  onProgress?: (progress: { fraction?: number; step: string }) => void;
}

/** Operator sets before this one lack DynamicQuantizeLinear and per-channel scales. */
const OLDEST_OPSET = 11;
const OLDEST_OPSET_PER_CHANNEL = 13;

/**
 * Writes a quantized variant whose scales, zero points, weights and biases equal those of Python onnxruntime.quantization
 * 1.30 (quantize_static in QDQ format, quantize_dynamic). Weights of a model with external data end up inside the output.
 * A model with nothing to quantize is written as it is, with a warning.
 * @throws quantize.* (input), model.* (input), and what the runtime throws
 */
export async function quantizeModel(request: QuantizeRequest, runtime: QuantizeRuntime, progress: Progress = {}): Promise<QuantizeResult> {
  const started = performance.now();
  const temp = await mkdtemp(join(tmpdir(), 'edgewright-quantize-'));
  try {
    const step = (text: string, fraction: number) => progress.onProgress?.({ step: text, fraction });
    step('Preparing the model', 0);
    const model = await sourceModel(request, runtime, temp, progress);
    const plan = await QuantizePlan.create(model, optionsOf(request));
    const { count, warnings } = tooOld(plan, request) ? { count: 0, warnings: plan.warnings } : await make(request, plan, runtime, temp, progress);
    if (count > 0) sign(model);
    else warnings.push(nothing(model));
    step('Writing', 0.95);
    await ensureDir(dirname(resolve(request.outputPath)), 0o755);
    const written = count > 0 ? model : await readModel(request.modelPath);
    const bytes = await writeModel(await embedExternalData(written), request.outputPath, progress);
    step('Done', 1);
    return { output: request.outputPath, variant: request.variant, bytes, seconds: (performance.now() - started) / 1000, quantized: count, warnings };
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

function optionsOf(request: QuantizeRequest): QuantizeOptions {
  const options = {
    activations: request.activations ?? 'int8',
    weights: request.weights ?? 'int8',
    perChannel: request.perChannel ?? false,
    reduceRange: request.reduceRange ?? false,
    symmetricActivations: request.symmetricActivations ?? false,
    exclude: new Set(request.exclude ?? []),
  };
  if (request.variant === 'int8-static' && options.activations === 'int8' && options.weights === 'uint8') {
    throw new EdgewrightError({
      code: 'quantize.types',
      message: 'No runtime multiplies int8 activations by uint8 weights.',
      hint: 'Use uint8 activations, or int8 weights.',
      owner: 'usage',
    });
  }
  return options;
}

async function sourceModel(request: QuantizeRequest, runtime: QuantizeRuntime, temp: string, progress: Progress): Promise<OnnxModel> {
  const model = await readModel(request.modelPath);
  if (request.prepare === false || isPrepared(model)) return model;
  return prepareModel(request.modelPath, join(temp, `prepared-${basename(request.modelPath)}`), runtime.optimize, progress);
}

function tooOld(plan: QuantizePlan, request: QuantizeRequest): boolean {
  const oldest = request.perChannel && request.variant === 'int8-static' ? OLDEST_OPSET_PER_CHANNEL : OLDEST_OPSET;
  const standard = plan.model.graph.node.some((node) => normalDomain(node.domain) === '');
  if (!standard || plan.opset >= oldest) return false;
  plan.warn('quantize.opset-old', `Operator set ${plan.opset} is too old for this: export the model with ${oldest} or newer.`);
  return true;
}

function nothing(model: OnnxModel): Warning {
  const operators = [...new Set(model.graph.node.map((node) => node.opType ?? ''))].slice(0, MAX_LISTED).join(', ');
  return { code: 'quantize.nothing', message: `Nothing in this model was quantized (its operators: ${operators}). The variant equals the original.` };
}

interface Made {
  count: number;
  warnings: Warning[];
}

async function make(request: QuantizeRequest, plan: QuantizePlan, runtime: QuantizeRuntime, temp: string, progress: Progress): Promise<Made> {
  return request.variant === 'int8-static' ? makeStatic(request, plan, runtime, temp, progress) : makeDynamic(plan, progress);
}

async function makeDynamic(plan: QuantizePlan, progress: Progress): Promise<Made> {
  const split = await splitGemms(plan);
  const onProgress = (fraction: number) => progress.onProgress?.({ step: 'Quantizing weights', fraction: 0.1 + 0.8 * fraction });
  return { count: await quantizeDynamic(split, { ...signalOf(progress), onProgress }), warnings: split.warnings };
}

async function makeStatic(request: QuantizeRequest, plan: QuantizePlan, runtime: QuantizeRuntime, temp: string, progress: Progress): Promise<Made> {
  const tensors = calibratedTensors(plan);
  if (tensors.length === 0) return { count: 0, warnings: plan.warnings };
  const { runs, batches } = await calibrationRuns(request, plan);
  const onProgress = (run: number) =>
    progress.onProgress?.({ step: `Calibrating: ${run} of ${runs} batches`, fraction: 0.1 + 0.6 * Math.min(1, run / Math.max(runs, 1)) });
  const ranges = await collectRanges(await embedExternalData(plan.model), tensors, batches, runtime.open, join(temp, 'calibration.onnx'), {
    ...signalOf(progress),
    onProgress,
  });
  adjustRanges(plan, ranges);
  const marks = markTensors(plan, ranges);
  const onWeight = (fraction: number) => progress.onProgress?.({ step: 'Quantizing weights', fraction: 0.7 + 0.25 * fraction });
  await insertQdq(marks, { ...signalOf(progress), onProgress: onWeight });
  plan.graph.sort();
  return { count: marks.tensors.size, warnings: plan.warnings };
}

async function calibrationRuns(request: QuantizeRequest, plan: QuantizePlan): Promise<ReturnType<typeof calibrationBatches>> {
  if (request.calibration === undefined) {
    throw new EdgewrightError({
      code: 'quantize.no-calibration',
      message: 'Static quantization needs a calibration set.',
      hint: 'Name one with --calibration, or in edgewright.yaml.',
      owner: 'usage',
    });
  }
  const set = typeof request.calibration === 'string' ? await readNpz(request.calibration) : request.calibration;
  const inputs = plan.model.graph.input.filter((info) => !plan.graph.initializer(info.name ?? ''));
  const fixed = Number(inputs[0]?.type?.tensorType?.shape?.dim[0]?.dimValue ?? 0n);
  return calibrationBatches(
    set,
    inputs.map((info) => info.name ?? ''),
    {
      batch: fixed > 0 ? fixed : (request.batch ?? CALIBRATION_BATCH),
      samples: Math.min(request.samples ?? MAX_CALIBRATION_SAMPLES, MAX_CALIBRATION_SAMPLES),
    },
  );
}

/** exactOptionalPropertyTypes: an absent signal must stay absent. */
function signalOf(progress: Progress): { signal?: AbortSignal } {
  return progress.signal ? { signal: progress.signal } : {};
}

/** The marks the reference leaves, which other tools look for. */
function sign(model: OnnxModel): void {
  model.producerName = 'onnx.quantize';
  model.producerVersion = '0.1.0';
  if (!model.metadataProps.some((entry) => entry.key === 'onnx.infer')) model.metadataProps.unshift({ key: 'onnx.infer', value: 'onnxruntime.quant' });
  const domains = new Set(model.opsetImport.map((opset) => opset.domain ?? ''));
  if (!domains.has('com.microsoft') && model.graph.node.some((node) => node.domain === 'com.microsoft'))
    model.opsetImport.push({ domain: 'com.microsoft', version: 1n });
}
