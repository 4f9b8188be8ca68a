/** First half of QDQ quantization: which tensors are to be quantized, and how. Nothing is inserted yet. */
import type { Node } from '#core/onnx';
import { DataType, tensorDims } from '#core/onnx';
import type { QuantizePlan } from './plan.ts';
import type { ValueRange } from './kernels.ts';

export interface Mark {
  /** Weights take the weight type; everything else the activation type. */
  weight: boolean;
  /** One scale per index along this axis. */
  axis?: number;
  /** Takes the scale and zero point of this value. */
  sharesWith?: string;
}

export interface BiasMark {
  node: Node;
  input: string;
  weight: string;
  /** Gemm's factor for the bias: folded into its scale. */
  beta: number;
}

export class QdqMarks {
  readonly plan: QuantizePlan;
  readonly ranges: ReadonlyMap<string, ValueRange>;
  readonly tensors = new Map<string, Mark>();
  readonly biases = new Map<string, BiasMark>();
  /** Relu and Clip whose work the quantization of their input does. */
  readonly folded = new Set<Node>();
  /** Values that a DequantizeLinear of the original model makes. */
  readonly dequantized = new Map<string, Node>();
  readonly #unknown = new Set<string>();

  constructor(plan: QuantizePlan, ranges: ReadonlyMap<string, ValueRange>) {
    this.plan = plan;
    this.ranges = ranges;
  }

  isMarked(name: string): boolean {
    return this.tensors.has(name) || this.biases.has(name);
  }

  activation(name: string): void {
    if (!this.tensors.has(name) && this.#quantizable(name)) this.tensors.set(name, { weight: false });
  }

  /** A later rule wins here: the output must have what its input has. */
  sameAs(name: string, provider: string): void {
    if (this.#quantizable(name)) this.tensors.set(name, { weight: false, sharesWith: provider });
  }

  /** A constant or value in the place of a weight. `axis` is used where one scale per channel is asked for and possible. */
  weight(name: string, axis: number): void {
    const tensor = this.plan.floatInitializer(name);
    if (tensor && this.plan.options.perChannel) {
      const rank = tensorDims(tensor).length;
      const at = axis < 0 ? axis + rank : axis;
      if (at >= 0 && at < rank) {
        this.tensors.set(name, { weight: true, axis: at });
        return;
      }
      this.plan.warn('quantize.no-channel-axis', `The weight '${name}' has no axis ${axis}: it gets one scale for the whole tensor.`, name);
    }
    if (!this.tensors.has(name) && this.#quantizable(name)) this.tensors.set(name, { weight: true });
  }

  bias(node: Node, name: string, input: string, weight: string, beta = 1): void {
    const tensor = this.plan.graph.initializer(name);
    if (tensor?.dataType !== DataType.float32) {
      if (!tensor) this.plan.warn('quantize.bias-not-constant', `The bias of node '${node.name ?? ''}' is not constant: it stays in float.`, node.name);
      return;
    }
    let own = name;
    if (this.biases.has(name)) {
      // Its scale depends on the node that reads it, so each reader needs its own.
      own = this.#freshName(name);
      this.plan.graph.addInitializer({ ...tensor, name: own });
      this.plan.graph.replaceReads(name, own, node);
    }
    this.biases.set(own, { node, input, weight, beta });
  }

  /** name0, or the number after the highest one in use, as the reference numbers copies. */
  #freshName(name: string): string {
    let highest = -1;
    for (const { name: other = '' } of this.plan.graph.graph.initializer) {
      const rest = other.startsWith(name) ? other.slice(name.length) : '';
      if (/^\d{1,9}$/.test(rest)) highest = Math.max(highest, Number(rest));
    }
    return `${name}${highest + 1}`;
  }

  /** Lets the node before a Relu or Clip write its output: the quantized range starts and ends where the Relu or Clip does. */
  foldInto(node: Node, before: string, after: string): boolean {
    const { graph } = this.plan;
    const possible =
      this.ranges.has(after) &&
      this.ranges.has(before) &&
      graph.readerCount(before) === 1 &&
      !graph.isOutput(before) &&
      !graph.isInput(before) &&
      !graph.captured.has(before);
    if (!possible) return false;
    graph.replaceWrite(before, after);
    this.tensors.delete(before);
    this.folded.add(node);
    return true;
  }

  #quantizable(name: string): boolean {
    if (name === '') return false;
    const type = this.plan.typeOf(name);
    if (type === undefined && !this.#unknown.has(name)) {
      this.#unknown.add(name);
      this.plan.warn('quantize.type-unknown', `Nothing says what type '${name}' has: it stays as it is.`, name);
    }
    return type === DataType.float32;
  }
}
