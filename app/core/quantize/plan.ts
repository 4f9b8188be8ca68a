/** What is to be done to one model: its graph, the options, and what both quantizers need to know about it. */
import { EdgewrightError, type Warning } from '#contract';
import { DataType, elementCount, findAttribute, type Node, normalDomain, type OnnxModel, opsetsOf, type TensorProto, tensorData } from '#core/onnx';
import { elementTypes } from './element-types.ts';
import { GraphEditor } from './graph-editor.ts';
import { MAX_WEIGHT_ELEMENTS } from './limits.ts';
import { product } from './kernels.ts';
import type { IntegerType } from './rules.ts';

export interface QuantizeOptions {
  /** Type activations are quantized to (static only; dynamic quantization always uses uint8). Default int8. */
  activations: IntegerType;
  /** Type of the weights. Default int8. */
  weights: IntegerType;
  /** One scale per output channel of the weights instead of one per tensor. */
  perChannel: boolean;
  /** 7-bit weights: avoids saturation on CPUs without VNNI. */
  reduceRange: boolean;
  /** Zero point in the middle of the range for activations. */
  symmetricActivations: boolean;
  /** Names of nodes that stay as they are. */
  exclude: ReadonlySet<string>;
}

export class QuantizePlan {
  readonly model: OnnxModel;
  readonly options: QuantizeOptions;
  readonly graph: GraphEditor;
  readonly warnings: Warning[] = [];
  /** Constants that Pad fills with and that are zero. */
  readonly zeroConstants: ReadonlySet<string>;
  readonly opset: number;
  readonly #types: Map<string, number>;

  private constructor(model: OnnxModel, options: QuantizeOptions, zeroConstants: ReadonlySet<string>) {
    this.model = model;
    this.zeroConstants = zeroConstants;
    this.options = options;
    this.opset = opsetsOf(model).get('') ?? 1;
    this.graph = new GraphEditor(model);
    this.#types = elementTypes(model.graph);
  }

  static async create(model: OnnxModel, options: QuantizeOptions): Promise<QuantizePlan> {
    return new QuantizePlan(model, options, await zeroPadding(model));
  }

  warn(code: string, message: string, where?: string): void {
    this.warnings.push({ code, message, ...(where !== undefined && { where }) });
  }

  /** ONNX element type of a value; undefined where nothing says it. */
  typeOf(name: string): number | undefined {
    return this.#types.get(name);
  }

  isFloat(name: string): boolean {
    return this.#types.get(name) === DataType.float32;
  }

  /** A constant of float32 in the graph: what can be a weight. */
  floatInitializer(name: string): TensorProto | undefined {
    const tensor = this.graph.initializer(name);
    return tensor?.dataType === DataType.float32 ? tensor : undefined;
  }

  /** Whether a node is one of the standard operators named, and not excluded. */
  takesPart(node: Node, operators: { has(name: string): boolean }): boolean {
    return normalDomain(node.domain) === '' && operators.has(node.opType ?? '') && !this.options.exclude.has(node.name ?? '');
  }

  /** The elements of a float32 constant. */
  async floats(tensor: TensorProto): Promise<Float32Array> {
    if (product(tensor.dims.map(Number)) > MAX_WEIGHT_ELEMENTS) {
      throw new EdgewrightError({
        code: 'quantize.weight-too-large',
        message: `The weight '${tensor.name ?? ''}' is too large to be quantized.`,
        expected: `at most ${MAX_WEIGHT_ELEMENTS} elements`,
        owner: 'input',
      });
    }
    const values = await tensorData(this.model.dir, tensor);
    if (!(values instanceof Float32Array)) throw new Error(`'${tensor.name ?? ''}' is not float32`);
    return values;
  }
}

/** Names of one-element float constants equal to zero that Pad nodes take as their filling. */
async function zeroPadding(model: OnnxModel): Promise<Set<string>> {
  const fillings = new Set(model.graph.node.filter((node) => node.opType === 'Pad').flatMap((node) => node.input[2] ?? []));
  const constants: { name: string; tensor: TensorProto }[] = model.graph.initializer.map((tensor) => ({ name: tensor.name ?? '', tensor }));
  for (const node of model.graph.node) {
    const tensor = node.opType === 'Constant' ? findAttribute(node, 'value')?.t : undefined;
    if (tensor) constants.push({ name: node.output[0] ?? '', tensor });
  }
  const zeros = new Set<string>();
  for (const { name, tensor } of constants) {
    if (!fillings.has(name) || tensor.dataType !== DataType.float32 || elementCount(tensor) !== 1) continue;
    const values = await tensorData(model.dir, tensor);
    if (values[0] === 0) zeros.add(name);
  }
  return zeros;
}
