/** Comparing our quantized models with the reference's: every initializer by name, every node in order. */
import { type Node, readModel, tensorData, tensorDims } from '#core/onnx';
import type { QuantizeRequest } from '#core/quantize';

/** How the reference variants were made, by file name. */
export const VARIANTS: Record<string, Pick<QuantizeRequest, 'variant'> & Partial<QuantizeRequest>> = {
  dynamic_s8_pt: { variant: 'int8-dynamic' },
  dynamic_s8_pc: { variant: 'int8-dynamic', perChannel: true },
  dynamic_u8_pt: { variant: 'int8-dynamic', weights: 'uint8' },
  static_minmax_s8s8_pt: { variant: 'int8-static' },
  static_minmax_s8s8_pc: { variant: 'int8-static', perChannel: true },
  static_minmax_u8s8_pt: { variant: 'int8-static', activations: 'uint8' },
  static_minmax_u8s8_pc: { variant: 'int8-static', activations: 'uint8', perChannel: true },
  static_minmax_u8s8rr_pt: { variant: 'int8-static', activations: 'uint8', reduceRange: true },
  static_minmax_u8s8rr_pc: { variant: 'int8-static', activations: 'uint8', reduceRange: true, perChannel: true },
};

export interface Difference {
  missing: string[];
  extra: string[];
  /** Initializers whose type, dimensions or any byte differ. */
  values: string[];
  /** Nodes that only one of the two has. */
  nodes: string[];
}

const SAME: Difference = { missing: [], extra: [], values: [], nodes: [] };
export { SAME };

export async function compare(ours: string, reference: string): Promise<Difference> {
  const [a, b] = [await contents(ours), await contents(reference)];
  return {
    missing: [...b.tensors.keys()].filter((name) => !a.tensors.has(name)),
    extra: [...a.tensors.keys()].filter((name) => !b.tensors.has(name)),
    values: [...b.tensors].filter(([name, text]) => a.tensors.has(name) && a.tensors.get(name) !== text).map(([name]) => name),
    nodes: [
      ...a.nodes.filter((node) => !b.nodes.includes(node)).map((node) => `ours: ${node}`),
      ...b.nodes.filter((node) => !a.nodes.includes(node)).map((node) => `reference: ${node}`),
    ],
  };
}

async function contents(path: string): Promise<{ tensors: Map<string, string>; nodes: string[] }> {
  const model = await readModel(path);
  const tensors = new Map<string, string>();
  for (const tensor of model.graph.initializer) {
    const values = await tensorData(model.dir, tensor);
    if (Array.isArray(values)) throw new Error('strings are not compared');
    tensors.set(
      tensor.name ?? '',
      `${tensor.dataType} ${tensorDims(tensor)} ${Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')}`,
    );
  }
  return { tensors, nodes: model.graph.node.map(nodeText) };
}

function nodeText(node: Node): string {
  const plain = (_key: string, item: unknown) =>
    typeof item === 'bigint' ? `${item}n` : item instanceof Uint8Array ? Buffer.from(item).toString('base64') : item;
  const attributes = [...node.attribute].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  return JSON.stringify([node.opType, node.domain ?? '', node.name ?? '', node.input, node.output, attributes], plain);
}
