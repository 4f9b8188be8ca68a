/**
 * Dynamic quantization: weights are int8 in the file, activations are quantized while the model runs, from the range they
 * have at that moment. Nodes are rewritten in order into integer operators, names as the reference has them.
 */
import type { Graph, Node } from '#core/onnx';
import { DYNAMIC_OPERATORS } from './dynamic-operators.ts';
import { DynamicRewrite } from './dynamic-rewrite.ts';
import type { QuantizePlan } from './plan.ts';

/** Rewrites the graph; the model is left with its nodes in an order they can run in. @returns nodes that were quantized */
export async function quantizeDynamic(plan: QuantizePlan, options: { signal?: AbortSignal; onProgress?: (fraction: number) => void } = {}): Promise<number> {
  const rewrite = new DynamicRewrite(plan);
  const { graph } = plan.model;
  let done = 0;
  for (const node of graph.node) {
    options.signal?.throwIfAborted();
    const rule = plan.takesPart(node, DYNAMIC_OPERATORS) ? DYNAMIC_OPERATORS.get(node.opType ?? '') : undefined;
    if (!rule || !(await rule(node, rewrite))) rewrite.keep(node);
    options.onProgress?.(++done / graph.node.length);
  }
  for (const info of graph.output) rewrite.dequantize(info.name ?? '');
  replaceNodes(plan, graph, rewrite.nodes);
  return rewrite.rewritten;
}

function replaceNodes(plan: QuantizePlan, graph: Graph, nodes: Node[]): void {
  graph.node = nodes;
  plan.graph.dropUnusedInitializers();
  plan.graph.sort();
}
