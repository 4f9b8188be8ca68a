/** Scales and zero points of the tensors that were marked. */
import { type TensorProto, tensorDims } from '#core/onnx';
import { channelRanges, type ValueRange, valueRange } from './kernels.ts';
import type { QuantizePlan } from './plan.ts';
import type { Mark, QdqMarks } from './qdq-marks.ts';
import { type IntegerType, integerRange, type ScaleZero, scaleAndZeroPoint } from './rules.ts';

export interface WeightParameters {
  type: IntegerType;
  /** One, or one per channel along `axis`. */
  scales: number[];
  zeroPoints: number[];
  axis?: number;
  dims: number[];
}

/** Signed weights are quantized around zero; unsigned ones are not. */
export function symmetricWeights(type: IntegerType): boolean {
  return type === 'int8';
}

export function activationParameters(plan: QuantizePlan, range: ValueRange): ScaleZero {
  const { activations, symmetricActivations: symmetric } = plan.options;
  return scaleAndZeroPoint(range.min, range.max, integerRange(activations, { symmetric }), symmetric);
}

export async function weightParameters(plan: QuantizePlan, tensor: TensorProto, mark: Mark): Promise<WeightParameters> {
  const { options } = plan;
  const type = mark.weight ? options.weights : options.activations;
  // The kernels want one zero point for all channels, which only symmetric ones are sure to have.
  const symmetric = mark.axis !== undefined || (mark.weight ? symmetricWeights(type) : options.symmetricActivations);
  const dims = tensorDims(tensor);
  const values = await plan.floats(tensor);
  const range = integerRange(type, { symmetric, reduced: options.reduceRange });
  const ranges = mark.axis === undefined ? [valueRange(values)] : channelRanges(values, dims, mark.axis);
  const parameters = ranges.map(({ min, max }) => scaleAndZeroPoint(min, max, range, symmetric, tensor.name));
  return {
    type,
    scales: parameters.map((p) => p.scale),
    zeroPoints: parameters.map((p) => p.zeroPoint),
    dims,
    ...(mark.axis !== undefined && { axis: mark.axis }),
  };
}

/** Room for rounding, and the values an int32 bias may take. */
const BIAS_MARGIN = 1.0001;
const BIAS_SPAN = 4294967294;

/**
 * A bias has the scale of the input times that of the weight. Where that is so small that the bias would not fit an int32,
 * the scale of the weight is made larger, before the weight is quantized.
 */
export async function makeRoomForBiases(marks: QdqMarks, weights: ReadonlyMap<string, WeightParameters>): Promise<void> {
  for (const [name, bias] of marks.biases) {
    const weight = weights.get(bias.weight);
    const range = marks.ranges.get(bias.input);
    const tensor = marks.plan.graph.initializer(name);
    if (!weight || !range || !tensor || !marks.tensors.has(bias.input) || weight.type !== 'int8' || weight.zeroPoints.some((zero) => zero !== 0)) continue;
    const inputScale = activationParameters(marks.plan, range).scale;
    widen(weight, inputScale, await marks.plan.floats(tensor));
  }
}

function widen(weight: WeightParameters, inputScale: number, values: Float32Array): void {
  if (weight.axis === undefined) {
    const { min, max } = valueRange(values);
    const largest = Math.max(Math.abs(Math.min(min, 0)), Math.abs(Math.max(max, 0)));
    weight.scales[0] = enlarged(weight.scales[0] ?? 1, inputScale, (BIAS_MARGIN * (2 * largest)) / BIAS_SPAN);
    return;
  }
  weight.scales.forEach((scale, channel) => {
    // The reference computes this product in float32 here, and in float64 above.
    const margin = Math.fround(Math.fround(BIAS_MARGIN) * Math.fround(2 * Math.abs(values[channel] ?? 0)));
    weight.scales[channel] = enlarged(scale, inputScale, margin / BIAS_SPAN);
  });
}

function enlarged(scale: number, inputScale: number, smallest: number): number {
  const product = inputScale * scale;
  return product < smallest && product > 0 ? Math.fround(scale * (smallest / product)) : scale;
}
