/** Gemm as MatMul and Add, for which integer operators exist. */
import { floatAttribute, intAttribute, makeNode, makeTensor, type Node, tensorDims } from '#core/onnx';
import { transposed } from './kernels.ts';
import { QuantizePlan } from './plan.ts';

const GEMM: ReadonlySet<string> = new Set(['Gemm']);

/**
 * Rewrites every Gemm that is a plain product (alpha and beta 1, first factor not transposed). A transposed constant is
 * stored transposed instead; one that others read as well gets a copy.
 */
export async function splitGemms(plan: QuantizePlan): Promise<QuantizePlan> {
  const { graph } = plan.model;
  const nodes: Node[] = [];
  for (const node of graph.node) {
    const plain =
      plan.takesPart(node, GEMM) && floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1 && intAttribute(node, 'transA', 0) === 0;
    if (!plain) {
      nodes.push(node);
      continue;
    }
    const right = intAttribute(node, 'transB', 0) === 1 ? await transposedFactor(plan, node, nodes) : (node.input[1] ?? '');
    const result = node.output[0] ?? '';
    const biased = (node.input[2] ?? '') !== '';
    const named = (suffix: string) => (node.name ? { name: node.name + suffix } : {});
    const product = biased ? `${result}_MatMul` : result;
    nodes.push(makeNode('MatMul', [node.input[0] ?? '', right], [product], named('_MatMul')));
    if (biased) describe(plan, result, product);
    if (biased) nodes.push(makeNode('Add', [product, node.input[2] ?? ''], [result], named('_Add')));
  }
  graph.node = nodes;
  return QuantizePlan.create(plan.model, plan.options);
}

/** The product has the type and shape of the sum that follows. */
function describe(plan: QuantizePlan, sum: string, product: string): void {
  const { graph } = plan.model;
  const info = [...graph.valueInfo, ...graph.output].find((candidate) => candidate.name === sum);
  if (info?.type) graph.valueInfo.push({ name: product, type: info.type, metadataProps: [] });
}

async function transposedFactor(plan: QuantizePlan, node: Node, nodes: Node[]): Promise<string> {
  const name = node.input[1] ?? '';
  const tensor = plan.floatInitializer(name);
  if (!tensor) {
    const output = `${name}_Transposed`;
    if (!nodes.some((other) => other.output[0] === output))
      nodes.push(makeNode('Transpose', [name], [output], node.name ? { name: `${node.name}_Transpose` } : {}));
    return output;
  }
  const [rows = 1, columns = 1] = tensorDims(tensor);
  const values = await plan.floats(tensor);
  const shared = plan.graph.readerCount(name) > 1 || plan.graph.captured.has(name) || plan.graph.isOutput(name);
  const own = shared ? `${name}_transposed` : name;
  if (!shared) plan.graph.removeInitializer(name);
  plan.graph.addInitializer(makeTensor(own, 'float32', [columns, rows], transposed(values, rows, columns, new Float32Array(values.length))));
  return own;
}
