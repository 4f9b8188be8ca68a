/** A graph being rewritten node by node into one with integer operators, names as the reference has them. */
import { makeAttribute, makeNode, type Node, type TensorProto, tensorDims } from '#core/onnx';
import { readsOf } from './graph-editor.ts';
import { channelRanges, quantizeValues, valueRange } from './kernels.ts';
import type { QuantizePlan } from './plan.ts';
import { symmetricWeights } from './qdq-parameters.ts';
import { type IntegerType, integerRange, scaleAndZeroPoint } from './rules.ts';
import { floatTensor, integerTensor, rawTensor } from './stored-tensors.ts';

/** A value in its quantized form: the names of the three tensors that make it up. */
export interface QuantizedValue {
  quantized: string;
  scale: string;
  zeroPoint: string;
  axis?: number;
}

/** One pass over the graph. `emit` builds the new list of nodes. */
export class DynamicRewrite {
  readonly plan: QuantizePlan;
  readonly nodes: Node[] = [];
  readonly values = new Map<string, QuantizedValue>();
  /** Nodes rewritten into integer operators. */
  rewritten = 0;
  /** Float values that exist in the new graph. */
  readonly #made: Set<string>;
  readonly #names = new Set<string>();

  constructor(plan: QuantizePlan) {
    this.plan = plan;
    const { graph } = plan.model;
    this.#made = new Set(graph.input.map((info) => info.name ?? '').filter((name) => !plan.graph.initializer(name)));
  }

  emit(...nodes: Node[]): void {
    for (const node of nodes) {
      this.nodes.push(node);
      if (node.name) this.#names.add(node.name);
      for (const name of node.output) this.#made.add(name);
    }
  }

  hasNode(name: string): boolean {
    return this.#names.has(name);
  }

  /** The node as it was; whatever it reads that is only there quantized is brought back to float before it. */
  keep(node: Node): void {
    for (const name of readsOf(node)) this.dequantize(name);
    this.emit(node);
  }

  dequantize(name: string): void {
    const value = this.values.get(name);
    const node = `${name}_DequantizeLinear`;
    if (!value || this.#made.has(name) || this.hasNode(node)) return;
    const attribute = value.axis === undefined ? [] : [makeAttribute('axis', { int: value.axis })];
    this.emit(makeNode('DequantizeLinear', [value.quantized, value.scale, value.zeroPoint], [name], { name: node, attribute }));
  }

  /** An activation as uint8: a constant is quantized now, anything else while the model runs. Returns nodes to be emitted. */
  async activation(name: string): Promise<{ value: QuantizedValue; nodes: Node[] }> {
    const known = this.values.get(name);
    if (known) return { value: known, nodes: [] };
    const tensor = this.plan.floatInitializer(name);
    if (tensor) return { value: await this.constant(tensor, 'uint8', {}), nodes: [] };
    const value = { quantized: `${name}_quantized`, scale: `${name}_scale`, zeroPoint: `${name}_zero_point` };
    this.values.set(name, value);
    const node = makeNode('DynamicQuantizeLinear', [name], [value.quantized, value.scale, value.zeroPoint], { name: `${name}_QuantizeLinear` });
    return { value, nodes: [node] };
  }

  /**
   * A constant in quantized form, made once.
   * @param options.axis one scale for each index along it
   * @param options.dims the shape to quantize and store it in, when it is not its own
   * @param options.store turns the quantized elements into what is stored (LSTM wants its weights transposed)
   */
  async constant(
    tensor: TensorProto,
    type: IntegerType,
    options: {
      axis?: number;
      dims?: number[];
      reduced?: boolean;
      scaleDims?: number[];
      store?: (values: Int8Array | Uint8Array) => { values: Int8Array | Uint8Array; dims: number[] };
    },
  ): Promise<QuantizedValue> {
    const name = tensor.name ?? '';
    const known = this.values.get(name);
    if (known) return known;
    const dims = options.dims ?? tensorDims(tensor);
    const data = await this.plan.floats(tensor);
    const { axis } = options;
    const symmetric = symmetricWeights(type);
    const range = integerRange(type, { symmetric, reduced: this.plan.options.reduceRange && options.reduced === true });
    const ranges = axis === undefined ? [valueRange(data)] : channelRanges(data, dims, axis);
    const parameters = ranges.map(({ min, max }) => scaleAndZeroPoint(min, max, range, symmetric, name));
    const scales = parameters.map((p) => p.scale);
    const zeroPoints = parameters.map((p) => p.zeroPoint);
    const elements = quantizeValues(data, type, { scales, zeroPoints, dims, axis, name });
    if (!(elements instanceof Int8Array || elements instanceof Uint8Array)) throw new Error('8-bit values were expected');
    const stored = options.store?.(elements) ?? { values: elements, dims: tensorDims(tensor) };
    const value: QuantizedValue = {
      quantized: `${name}_quantized`,
      scale: `${name}_scale`,
      zeroPoint: `${name}_zero_point`,
      ...(axis !== undefined && { axis }),
    };
    const parameterDims = options.scaleDims ?? (axis === undefined ? [] : [scales.length]);
    const { graph } = this.plan;
    graph.addInitializer(floatTensor(value.scale, parameterDims, scales));
    graph.addInitializer(integerTensor(value.zeroPoint, type, parameterDims, zeroPoints));
    graph.addInitializer(rawTensor(value.quantized, type, stored.dims, stored.values));
    this.values.set(name, value);
    return value;
  }
}
