/**
 * MinMax calibration: the lowest and highest value each activation takes over the calibration samples. The model is run with
 * a ReduceMin and a ReduceMax added to every activation, so that two numbers a tensor come back and memory stays the same
 * however many samples there are.
 */
import { EdgewrightError } from '#contract';
import { sliceRows, type Tensor } from '#core/datasets';
import { DataType, makeAttribute, makeNode, type OnnxModel, writeModel } from '#core/onnx';
import { MAX_RANGES_PER_PASS } from './limits.ts';
import type { ValueRange } from './kernels.ts';
import type { QuantizePlan } from './plan.ts';
import { OPERATOR_NAMES } from './qdq-operators.ts';

/** A model that has been loaded to run samples through it. */
export interface CalibrationSession {
  /** Runs once; answers the outputs that were asked for, by name. */
  run(feeds: Record<string, Tensor>, outputs: readonly string[]): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/** Loads a model with every graph optimization off: fused operators would hide the values in between. */
export type OpenSession = (modelPath: string, options: { signal?: AbortSignal }) => Promise<CalibrationSession>;

const REDUCTIONS = [
  { op: 'ReduceMin', prefix: 'edgewright_calibration_min_' },
  { op: 'ReduceMax', prefix: 'edgewright_calibration_max_' },
] as const;

/** Activations of the operators that take part: float, and not constants. */
export function calibratedTensors(plan: QuantizePlan): string[] {
  const names = new Set<string>();
  for (const node of plan.model.graph.node) {
    if (!plan.takesPart(node, OPERATOR_NAMES)) continue;
    for (const name of [...node.input, ...node.output]) if (plan.isFloat(name) && !plan.graph.initializer(name)) names.add(name);
  }
  return [...names];
}

/**
 * @param batches one set of inputs per run
 * @param temp a path for the model with the reductions; the caller removes it
 * @returns a range for each tensor
 * @throws quantize.no-samples, quantize.not-finite
 */
export async function collectRanges(
  model: OnnxModel,
  tensors: readonly string[],
  batches: () => Iterable<Record<string, Tensor>>,
  open: OpenSession,
  temp: string,
  options: { signal?: AbortSignal; onProgress?: (runs: number) => void } = {},
): Promise<Map<string, ValueRange>> {
  const ranges = new Map<string, ValueRange>();
  let runs = 0;
  for (let from = 0; from < tensors.length; from += MAX_RANGES_PER_PASS) {
    const part = tensors.slice(from, from + MAX_RANGES_PER_PASS);
    await writeModel(withReductions(model, part), temp, options);
    const outputs = REDUCTIONS.flatMap(({ prefix }) => part.map((_, index) => prefix + index));
    const session = await open(temp, options);
    try {
      for (const feeds of batches()) {
        options.signal?.throwIfAborted();
        const values = await session.run(feeds, outputs);
        part.forEach((name, index) => merge(ranges, name, values[REDUCTIONS[0].prefix + index], values[REDUCTIONS[1].prefix + index]));
        options.onProgress?.(++runs);
      }
    } finally {
      await session.close();
    }
  }
  if (runs === 0 && tensors.length > 0)
    throw new EdgewrightError({ code: 'quantize.no-samples', message: 'The calibration set holds no samples.', owner: 'input' });
  for (const [name, range] of ranges) {
    if (!Number.isFinite(range.min) || !Number.isFinite(range.max)) {
      throw new EdgewrightError({
        code: 'quantize.not-finite',
        message: `'${name}' takes values that are infinite or not numbers with the calibration set. It cannot be quantized.`,
        hint: 'Check the calibration set and the model, or leave that operator out.',
        owner: 'input',
      });
    }
  }
  return ranges;
}

function merge(ranges: Map<string, ValueRange>, name: string, lowest: Tensor | undefined, highest: Tensor | undefined): void {
  const min = lowest?.data[0];
  const max = highest?.data[0];
  // An empty tensor has no range; a NaN of one batch is passed over as the reference does.
  if (typeof min !== 'number' || typeof max !== 'number') return;
  const before = ranges.get(name) ?? { min: Number.NaN, max: Number.NaN };
  ranges.set(name, {
    min: Number.isNaN(before.min) ? min : Math.min(before.min, Number.isNaN(min) ? before.min : min),
    max: Number.isNaN(before.max) ? max : Math.max(before.max, Number.isNaN(max) ? before.max : max),
  });
}

/** A copy of the model that also answers the lowest and highest value of each tensor. */
function withReductions(model: OnnxModel, tensors: readonly string[]): OnnxModel {
  const keepDims = () => [makeAttribute('keepdims', { int: 1 })];
  const added = REDUCTIONS.flatMap(({ op, prefix }) =>
    tensors.map((name, index) => makeNode(op, [name], [prefix + index], { name: prefix + index, attribute: keepDims() })),
  );
  const outputs = added.map((node) => ({ name: node.output[0] ?? '', type: { tensorType: { elemType: DataType.float32 } }, metadataProps: [] }));
  return { ...model, graph: { ...model.graph, node: [...model.graph.node, ...added], output: [...model.graph.output, ...outputs] } };
}

/**
 * The calibration set in batches.
 * @param set arrays `in_<input>`, first axis = sample
 * @throws quantize.calibration-wrong when an input is missing or the lengths differ
 */
export function calibrationBatches(
  set: ReadonlyMap<string, Tensor>,
  inputs: readonly string[],
  options: { batch: number; samples: number },
): { runs: number; batches: () => Iterable<Record<string, Tensor>> } {
  const wrong = (message: string, expected: string, found: string) =>
    new EdgewrightError({ code: 'quantize.calibration-wrong', message, expected, found, owner: 'input' });
  const arrays = inputs.map((name) => {
    const tensor = set.get(`in_${name}`);
    if (!tensor || tensor.dims.length === 0) {
      throw wrong(
        `The calibration set has no samples for the input '${name}'.`,
        `an array in_${name} whose first axis is the sample`,
        [...set.keys()].slice(0, 10).join(', ') || 'nothing',
      );
    }
    return { name, tensor };
  });
  const counts = arrays.map(({ tensor }) => tensor.dims[0] ?? 0);
  if (new Set(counts).size > 1) throw wrong('The inputs of the calibration set have different numbers of samples.', 'the same number', counts.join(', '));
  const samples = Math.min(counts[0] ?? 0, options.samples);
  function* batches() {
    for (let from = 0; from < samples; from += options.batch) {
      yield Object.fromEntries(arrays.map(({ name, tensor }) => [name, sliceRows(tensor, from, Math.min(from + options.batch, samples))]));
    }
  }
  return { runs: Math.ceil(samples / options.batch), batches };
}

/**
 * Ranges as the quantizer uses them: what goes into a Relu or Clip need not be finer than what comes out, and Softmax
 * answers 0 to 1 whatever was seen (reference/quantization.md §2.6).
 */
export function adjustRanges(plan: QuantizePlan, ranges: Map<string, ValueRange>): void {
  for (const node of plan.model.graph.node) {
    if (!plan.takesPart(node, OPERATOR_NAMES)) continue;
    const before = node.input[0] ?? '';
    const after = node.output[0] ?? '';
    if (node.opType === 'Softmax') {
      ranges.set(after, { min: 0, max: 1 });
    } else if (node.opType === 'Relu' || node.opType === 'Clip') {
      const range = ranges.get(after);
      if (range && ranges.has(before) && plan.graph.readerCount(before) === 1) ranges.set(before, range);
    }
  }
}
