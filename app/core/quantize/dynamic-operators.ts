/** How each operator is rewritten by dynamic quantization. A rule answers false when the node must stay as it is. */
import { DataType, makeAttribute, makeNode, type Node, type TensorProto, tensorDims } from '#core/onnx';
import type { DynamicRewrite, QuantizedValue } from './dynamic-rewrite.ts';
import { product, transposed } from './kernels.ts';
import { integerTensor } from './stored-tensors.ts';

type DynamicRule = (node: Node, rewrite: DynamicRewrite) => Promise<boolean>;

const input = (node: Node, index: number) => node.input[index] ?? '';
const output = (node: Node) => node.output[0] ?? '';

/** Attributes in the order of their names, as the reference writes them for nodes it makes. */
const sortedAttributes = (node: Node) => [...node.attribute].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));

/** Integer product, cast to float, times the product of both scales. */
function rescaled(node: Node, rewrite: DynamicRewrite, product: string, values: [QuantizedValue, QuantizedValue], result: string): Node[] {
  const name = node.name ? `${node.name}_quant` : '';
  const cast = makeNode('Cast', [product], [`${product}_cast_output`], {
    name: `${product}_cast`,
    attribute: [makeAttribute('to', { int: DataType.float32 })],
  });
  const scales = name ? `${name}_scales_mul` : `${values[0].scale}_${values[1].scale}_mul`;
  const nodes = [cast];
  if (!rewrite.hasNode(scales)) nodes.push(makeNode('Mul', [values[0].scale, values[1].scale], [`${scales}:0`], { name: scales }));
  nodes.push(makeNode('Mul', [`${product}_cast_output`, `${scales}:0`], [result], name ? { name: `${name}_output_scale_mul` } : {}));
  return nodes;
}

const convolution: DynamicRule = async (node, rewrite) => {
  const { plan } = rewrite;
  const weight = plan.floatInitializer(input(node, 1));
  if (!plan.isFloat(input(node, 0)) || !weight) return false;
  const activation = await rewrite.activation(input(node, 0));
  // ConvInteger takes one scale for the whole weight.
  const kernel = await rewrite.constant(weight, plan.options.weights, { reduced: true });
  const result = output(node);
  const sum = `${result}_output_quantized`;
  const biased = node.input.length === 3;
  const scaled = biased ? `${result}quant_scaled_output` : result;
  const name = node.name ? { name: `${node.name}_quant` } : {};
  rewrite.emit(
    ...activation.nodes,
    makeNode('ConvInteger', [activation.value.quantized, kernel.quantized, activation.value.zeroPoint, kernel.zeroPoint], [sum], {
      ...name,
      attribute: sortedAttributes(node),
    }),
    ...rescaled(node, rewrite, sum, [activation.value, kernel], scaled),
    ...(biased ? addBias(node, rewrite, weight, scaled) : []),
  );
  rewrite.rewritten++;
  return true;
};

/** The bias stays float; it is shaped so that it is added per output channel. */
function addBias(node: Node, rewrite: DynamicRewrite, weight: TensorProto, scaled: string): Node[] {
  const result = output(node);
  const shape = `${result}_bias_reshape_shape`;
  const reshaped = `${result}_bias_reshape_output`;
  const rank = tensorDims(weight).length;
  rewrite.plan.graph.addInitializer(
    integerTensor(
      shape,
      'int64',
      [rank],
      Array.from({ length: rank }, (_, axis) => (axis === 1 ? -1 : 1)),
    ),
  );
  rewrite.dequantize(input(node, 2));
  return [makeNode('Reshape', [input(node, 2), shape], [reshaped]), makeNode('Add', [scaled, reshaped], [result], { name: `${result}_bias_add` })];
}

const matMul: DynamicRule = async (node, rewrite) => {
  const { plan } = rewrite;
  const weight = plan.floatInitializer(input(node, 1));
  // Without a constant on the right both sides would be quantized at every run, which costs more than it saves.
  if (!weight || !plan.isFloat(input(node, 0))) return false;
  const activation = await rewrite.activation(input(node, 0));
  const rank = tensorDims(weight).length;
  const perChannel = plan.options.perChannel && rank > 0;
  const kernel = await rewrite.constant(weight, plan.options.weights, { reduced: true, ...(perChannel && { axis: rank - 1 }) });
  const sum = `${output(node)}_output_quantized`;
  rewrite.emit(
    ...activation.nodes,
    makeNode(
      'MatMulInteger',
      [activation.value.quantized, kernel.quantized, activation.value.zeroPoint, kernel.zeroPoint],
      [sum],
      node.name ? { name: `${node.name}_quant` } : {},
    ),
    ...rescaled(node, rewrite, sum, [activation.value, kernel], output(node)),
  );
  rewrite.rewritten++;
  return true;
};

/** A table of float vectors (an embedding) becomes one of uint8 vectors. */
const gather: DynamicRule = async (node, rewrite) => {
  const table = rewrite.plan.floatInitializer(input(node, 0));
  if (!table) return false;
  const { value } = await rewrite.activation(input(node, 0));
  moveQuantized(node, rewrite, value);
  rewrite.rewritten++;
  return true;
};

const transpose: DynamicRule = async (node, rewrite) => {
  const value = rewrite.values.get(input(node, 0));
  if (!value || !rewrite.plan.isFloat(input(node, 0))) return false;
  moveQuantized(node, rewrite, value);
  return true;
};

/** The node works on the quantized value; its output has the same parameters. */
function moveQuantized(node: Node, rewrite: DynamicRewrite, value: QuantizedValue): void {
  const quantized = `${output(node)}_quantized`;
  rewrite.values.set(output(node), { quantized, scale: value.scale, zeroPoint: value.zeroPoint });
  rewrite.emit({ ...node, input: [value.quantized, ...node.input.slice(1)], output: [quantized, ...node.output.slice(1)] });
}

const LSTM_INPUTS = 8;

/** ONNX Runtime's DynamicQuantizeLSTM: int8 weights, transposed, with one scale per direction or per row. */
const lstm: DynamicRule = async (node, rewrite) => {
  const { plan } = rewrite;
  const weights = [input(node, 1), input(node, 2)].map((name) => plan.floatInitializer(name));
  const [w, r] = weights;
  if (!w || !r || !plan.isFloat(input(node, 0)) || tensorDims(w).length !== 3 || tensorDims(r).length !== 3) return false;
  for (let index = 3; index < node.input.length; index++) rewrite.dequantize(input(node, index));
  const quantizedW = await lstmWeight(w, rewrite);
  const quantizedR = await lstmWeight(r, rewrite);
  // The reference puts the two transposed weights last.
  for (const name of [quantizedW.quantized, quantizedR.quantized]) {
    const tensor = plan.graph.initializer(name);
    if (!tensor) continue;
    plan.graph.removeInitializer(name);
    plan.graph.addInitializer(tensor);
  }
  const inputs = Array.from({ length: LSTM_INPUTS }, (_, index) =>
    index === 1 ? quantizedW.quantized : index === 2 ? quantizedR.quantized : input(node, index),
  );
  rewrite.emit(
    makeNode('DynamicQuantizeLSTM', [...inputs, quantizedW.scale, quantizedW.zeroPoint, quantizedR.scale, quantizedR.zeroPoint], node.output, {
      ...(node.name && { name: `${node.name}_quant` }),
      domain: 'com.microsoft',
      attribute: sortedAttributes(node).filter((attribute) => attribute.name !== 'layout'),
    }),
  );
  rewrite.dequantize(input(node, 0));
  rewrite.rewritten++;
  return true;
};

async function lstmWeight(tensor: TensorProto, rewrite: DynamicRewrite): Promise<QuantizedValue> {
  const [directions = 1, rows = 1, columns = 1] = tensorDims(tensor);
  const perRow = rewrite.plan.options.perChannel;
  return rewrite.constant(tensor, 'int8', {
    axis: 0,
    reduced: true,
    dims: perRow ? [directions * rows, columns] : [directions, rows, columns],
    scaleDims: perRow ? [directions, rows] : [directions],
    store: (values) => {
      const out = new Int8Array(product([directions, rows, columns]));
      const size = rows * columns;
      for (let d = 0; d < directions; d++)
        transposed(Int8Array.from(values.subarray(d * size, (d + 1) * size)), rows, columns, out.subarray(d * size, (d + 1) * size));
      return { values: out, dims: [directions, columns, rows] };
    },
  });
}

export const DYNAMIC_OPERATORS: ReadonlyMap<string, DynamicRule> = new Map([
  ['Conv', convolution],
  ['MatMul', matMul],
  ['Gather', gather],
  ['Transpose', transpose],
  ['LSTM', lstm],
]);
