/** What each operator wants quantized in QDQ form (reference/quantization.md §3). */
import { findAttribute, floatAttribute, intAttribute, type Node, textAttribute } from '#core/onnx';
import type { ValueRange } from './kernels.ts';
import type { QuantizePlan } from './plan.ts';
import { QdqMarks } from './qdq-marks.ts';

type OperatorRule = (node: Node, marks: QdqMarks) => void;

const input = (node: Node, index: number) => node.input[index] ?? '';
const output = (node: Node) => node.output[0] ?? '';

/** All inputs and outputs, each with its own parameters. */
const everything: OperatorRule = (node, marks) => {
  for (const name of [...node.input, ...node.output]) marks.activation(name);
};

/** Moves values without changing them: quantized only if its input is, with the same parameters. */
const passThrough: OperatorRule = (node, marks) => {
  if (marks.isMarked(input(node, 0))) marks.sameAs(output(node), input(node, 0));
};

/** Some operators take 8-bit values only from an operator set on. */
const passThroughFrom =
  (opset: number): OperatorRule =>
  (node, marks) => {
    if (marks.plan.opset >= opset) passThrough(node, marks);
  };

const convolution =
  (channelAxis: number): OperatorRule =>
  (node, marks) => {
    marks.activation(input(node, 0));
    marks.activation(output(node));
    marks.weight(input(node, 1), channelAxis);
    if (node.input.length === 3) marks.bias(node, input(node, 2), input(node, 0), input(node, 1));
  };

const gemm: OperatorRule = (node, marks) => {
  marks.activation(input(node, 0));
  marks.activation(output(node));
  marks.weight(input(node, 1), intAttribute(node, 'transB', 0) > 0 ? 0 : 1);
  if (node.input.length < 3) return;
  if (!marks.plan.graph.initializer(input(node, 2))) {
    marks.plan.warn('quantize.bias-not-constant', `The bias of node '${node.name ?? ''}' is not constant: it stays in float.`, node.name);
    return;
  }
  marks.bias(node, input(node, 2), input(node, 0), input(node, 1), floatAttribute(node, 'beta', 1));
  const beta = findAttribute(node, 'beta');
  if (beta) beta.f = 1;
};

const matMul: OperatorRule = (node, marks) => {
  for (const name of [...node.input, ...node.output]) {
    if (marks.plan.graph.initializer(name)) marks.weight(name, 1);
    else marks.activation(name);
  }
};

const removable: OperatorRule = (node, marks) => {
  if (!marks.isMarked(input(node, 0))) return;
  const folded = !marks.plan.options.symmetricActivations && marks.foldInto(node, input(node, 0), output(node));
  if (!folded) marks.activation(input(node, 0));
  marks.activation(output(node));
};

const normalization: OperatorRule = (node, marks) => {
  marks.activation(input(node, 0));
  if (marks.plan.graph.initializer(input(node, 1))) marks.weight(input(node, 1), 1);
  else marks.activation(input(node, 1));
  if (input(node, 2) !== '') marks.bias(node, input(node, 2), input(node, 0), input(node, 1));
  for (const name of node.output) marks.activation(name);
};

const split: OperatorRule = (node, marks) => {
  marks.activation(input(node, 0));
  for (const name of node.output) marks.sameAs(name, input(node, 0));
};

const gather: OperatorRule = (node, marks) => {
  const constant = marks.plan.floatInitializer(input(node, 0)) !== undefined;
  if (constant) marks.activation(input(node, 0));
  if (constant || marks.isMarked(input(node, 0))) marks.sameAs(output(node), input(node, 0));
};

const where: OperatorRule = (node, marks) => {
  if (marks.isMarked(input(node, 1)) && marks.isMarked(input(node, 2))) for (const name of node.output) marks.activation(name);
};

const pad: OperatorRule = (node, marks) => {
  for (const name of node.input) if (name !== '') marks.activation(name);
  if (padsWithWhatIsThere(node, marks)) marks.sameAs(output(node), input(node, 0));
  else marks.activation(output(node));
};

/** Padding with values of the input, or with zero, which every quantized range holds exactly. */
function padsWithWhatIsThere(node: Node, marks: QdqMarks): boolean {
  const mode = textAttribute(node, 'mode') ?? 'constant';
  if (mode !== 'constant') return mode === 'reflect' || mode === 'edge' || mode === 'wrap';
  if (!marks.plan.isFloat(input(node, 0))) return false;
  if (marks.plan.opset < 11) return floatAttribute(node, 'value', 0) === 0;
  if (input(node, 2) === '') return true;
  return marks.plan.zeroConstants.has(input(node, 2));
}

const OPERATOR_RULES: ReadonlyMap<string, OperatorRule> = new Map([
  ['Conv', convolution(0)],
  ['ConvTranspose', convolution(1)],
  ['Gemm', gemm],
  ['MatMul', matMul],
  ['Clip', removable],
  ['Relu', removable],
  ['InstanceNormalization', normalization],
  ['LayerNormalization', normalization],
  ['BatchNormalization', normalization],
  ['Reshape', passThrough],
  ['Transpose', passThrough],
  ['Squeeze', passThrough],
  ['Unsqueeze', passThrough],
  ['Flatten', passThrough],
  ['AveragePool', passThrough],
  ['Slice', passThrough],
  ['TopK', passThrough],
  ['Resize', passThroughFrom(11)],
  ['MaxPool', passThroughFrom(12)],
  ['Split', split],
  ['Gather', gather],
  ['GatherElements', gather],
  ['Where', where],
  ['Pad', pad],
  ...['Add', 'Mul', 'LeakyRelu', 'Sigmoid', 'Softmax', 'GlobalAveragePool', 'ArgMax', 'Concat', 'CumSum'].map((name): [string, OperatorRule] => [
    name,
    everything,
  ]),
]);

/** Operator types that take part in static quantization by default. */
export const OPERATOR_NAMES: ReadonlySet<string> = new Set(OPERATOR_RULES.keys());

/** Visits the operators in graph order, each marking what it needs. */
export function markTensors(plan: QuantizePlan, ranges: ReadonlyMap<string, ValueRange>): QdqMarks {
  const marks = new QdqMarks(plan, ranges);
  for (const node of [...plan.model.graph.node]) {
    const rule = OPERATOR_RULES.get(node.opType ?? '');
    if (rule && plan.takesPart(node, OPERATOR_NAMES)) rule(node, marks);
    if (node.opType === 'DequantizeLinear') for (const name of node.output) marks.dequantized.set(name, node);
  }
  return marks;
}
