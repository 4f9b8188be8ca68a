/** Second half of QDQ quantization: QuantizeLinear and DequantizeLinear around what was marked, names as the reference has them. */
import { makeAttribute, makeNode, tensorDims } from '#core/onnx';
import { quantizeBias, quantizeValues } from './kernels.ts';
import type { QdqMarks } from './qdq-marks.ts';
import { activationParameters, makeRoomForBiases, type WeightParameters, weightParameters } from './qdq-parameters.ts';
import { floatTensor, integerTensor, rawTensor } from './stored-tensors.ts';

/** Where the parameters of a quantized value are. */
interface Parameters {
  scale: string;
  zeroPoint: string;
  scales: readonly number[];
}

export async function insertQdq(marks: QdqMarks, options: { signal?: AbortSignal; onProgress?: (fraction: number) => void } = {}): Promise<void> {
  const weights = new Map<string, WeightParameters>();
  for (const [name, mark] of marks.tensors) {
    options.signal?.throwIfAborted();
    const tensor = marks.plan.graph.initializer(name);
    if (tensor) weights.set(name, await weightParameters(marks.plan, tensor, mark));
  }
  await makeRoomForBiases(marks, weights);
  const inserter = new Inserter(marks, weights);
  let done = 0;
  for (const [name, mark] of [...marks.tensors]) {
    options.signal?.throwIfAborted();
    if (mark.sharesWith === undefined) await inserter.own(name);
    options.onProgress?.(++done / marks.tensors.size);
  }
  inserter.shared();
  for (const name of marks.biases.keys()) await inserter.bias(name);
  marks.plan.graph.removeNodes(marks.folded);
  marks.plan.graph.dropUnusedInitializers();
}

class Inserter {
  readonly #marks: QdqMarks;
  readonly #weights: ReadonlyMap<string, WeightParameters>;
  readonly #done = new Map<string, Parameters>();

  constructor(marks: QdqMarks, weights: ReadonlyMap<string, WeightParameters>) {
    this.#marks = marks;
    this.#weights = weights;
  }

  get #graph() {
    return this.#marks.plan.graph;
  }

  /** A tensor with parameters of its own. */
  async own(name: string): Promise<void> {
    const weight = this.#weights.get(name);
    if (weight) return this.#weight(name, weight);
    // Already quantized in the model that came in.
    if (this.#marks.dequantized.has(name)) return;
    const range = this.#marks.ranges.get(name);
    if (!range) {
      this.#marks.plan.warn('quantize.no-range', `No range was measured for '${name}': it stays in float.`, name);
      return;
    }
    const { scale, zeroPoint } = activationParameters(this.#marks.plan, range);
    const parameters = this.#parameters(name, [], this.#marks.plan.options.activations, [scale], [zeroPoint]);
    this.#pair(name, parameters);
  }

  #parameters(name: string, dims: number[], type: 'int8' | 'uint8', scales: readonly number[], zeroPoints: readonly number[]): Parameters {
    const parameters = { scale: `${name}_scale`, zeroPoint: `${name}_zero_point`, scales };
    this.#graph.addInitializer(integerTensor(parameters.zeroPoint, type, dims, zeroPoints));
    this.#graph.addInitializer(floatTensor(parameters.scale, dims, scales));
    return parameters;
  }

  async #weight(name: string, weight: WeightParameters): Promise<void> {
    const tensor = this.#graph.initializer(name);
    if (!tensor) return;
    const parameters = this.#parameters(name, weight.axis === undefined ? [] : [weight.scales.length], weight.type, weight.scales, weight.zeroPoints);
    const values = quantizeValues(await this.#marks.plan.floats(tensor), weight.type, { ...weight, axis: weight.axis, name });
    const quantized = `${name}_quantized`;
    const back = `${name}_DequantizeLinear_Output`;
    this.#graph.replaceReads(name, back);
    this.#graph.addInitializer(rawTensor(quantized, weight.type, weight.dims, values));
    this.#dequantize(`${name}_DequantizeLinear`, [quantized, parameters.scale, parameters.zeroPoint], back, weight.axis);
    this.#done.set(name, parameters);
  }

  #dequantize(name: string, inputs: string[], output: string, axis: number | undefined): void {
    this.#graph.addNode(makeNode('DequantizeLinear', inputs, [output], { name, attribute: axis === undefined ? [] : [makeAttribute('axis', { int: axis })] }));
  }

  /** value -> Q -> DQ -> readers. An output of the graph keeps its name and stays float. */
  #pair(name: string, parameters: Parameters): void {
    let from = name;
    let to = `${name}_DequantizeLinear_Output`;
    if (this.#graph.isOutput(name)) {
      from = `${name}_QuantizeLinear_Input`;
      to = name;
      this.#graph.replaceWrite(name, from);
    } else {
      this.#graph.replaceReads(name, to);
    }
    const between = `${name}_QuantizeLinear_Output`;
    this.#graph.addNode(makeNode('QuantizeLinear', [from, parameters.scale, parameters.zeroPoint], [between], { name: `${name}_QuantizeLinear` }));
    this.#dequantize(`${name}_DequantizeLinear`, [between, parameters.scale, parameters.zeroPoint], to, undefined);
    this.#done.set(name, parameters);
  }

  /** Tensors that take the parameters of another, in as many rounds as it takes to reach the end of each chain. */
  shared(): void {
    let waiting = [...this.#marks.tensors].flatMap(([name, mark]) =>
      mark.sharesWith === undefined || this.#done.has(name) ? [] : [{ name, provider: mark.sharesWith }],
    );
    while (waiting.length > 0) {
      const before = waiting.length;
      waiting = waiting.filter(({ name, provider }) => {
        const parameters = this.#done.get(provider);
        if (parameters && !this.#graph.initializer(name)) this.#pair(name, parameters);
        return !parameters;
      });
      if (waiting.length < before) continue;
      // What they wait for was left in float.
      for (const { name } of waiting)
        this.#marks.plan.warn('quantize.no-range', `'${name}' takes its scale from a value that is not quantized: it stays in float.`, name);
      return;
    }
  }

  /** int32 with the scale of the input times that of the weight. */
  async bias(name: string): Promise<void> {
    const mark = this.#marks.biases.get(name);
    const tensor = this.#graph.initializer(name);
    if (!mark || !tensor || this.#done.has(name)) return;
    const weight = this.#done.get(mark.weight);
    const input = this.#done.get(mark.input);
    if (!weight || !input) {
      this.#marks.plan.warn('quantize.bias-in-float', `The bias '${name}' stays in float: its input or weight is not quantized here.`, name);
      return;
    }
    const inputScale = input.scales[0] ?? 1;
    const scales = Float32Array.from(weight.scales, (scale) => Math.fround(Math.fround(inputScale * scale) * Math.fround(mark.beta)));
    const { values, clipped } = quantizeBias(await this.#marks.plan.floats(tensor), scales);
    if (clipped > 0) this.#marks.plan.warn('quantize.bias-clipped', `${clipped} values of the bias '${name}' do not fit an int32 and were clipped.`, name);
    const quantized = `${name}_quantized`;
    const perChannel = scales.length > 1;
    const names = { scale: `${quantized}_scale`, zeroPoint: `${quantized}_zero_point` };
    this.#graph.addInitializer(rawTensor(quantized, 'int32', tensorDims(tensor), values));
    this.#graph.addInitializer(rawTensor(names.scale, 'float32', [scales.length], scales));
    this.#graph.addInitializer(
      perChannel ? rawTensor(names.zeroPoint, 'int32', [scales.length], new Int32Array(scales.length)) : integerTensor(names.zeroPoint, 'int32', [], [0]),
    );
    this.#graph.removeInitializer(name);
    this.#dequantize(`${name}_DequantizeLinear`, [quantized, names.scale, names.zeroPoint], name, perChannel ? 0 : undefined);
    this.#done.set(name, { ...names, scales: [...scales] });
  }
}
