/** Whether sparse tensors name places that they have: their indices are written into memory by whoever unfolds them. */
import { typeName } from './data-types.ts';
import { refuse, shown } from './errors.ts';
import type { Findings } from './findings.ts';
import type { SparseTensorProto } from './messages.ts';
import type { OnnxModel } from './model.ts';
import { elementsOf } from './tensor-stats.ts';
import { tensorDims } from './tensors.ts';
import { scopes } from './walk.ts';

/** What ONNX lets indices be written in; real exporters write int64. */
const INDEX_TYPE = /^int(8|16|32|64)$/;

/** Every index is read; that there are as many as said is known by now. @throws model.bad-sparse, model.bad-dims */
export async function checkSparse(model: OnnxModel, findings: Findings, signal?: AbortSignal): Promise<void> {
  const checkOne = (sparse: SparseTensorProto, who: string) => checkSparseTensor(model.dir, sparse, who, findings, signal);
  for (const scope of scopes(model)) {
    for (const sparse of scope.graph?.sparseInitializer ?? []) await checkOne(sparse, shown(sparse.values?.name ?? ''));
    for (const node of scope.node) {
      for (const attribute of node.attribute) {
        const who = shown(`${node.name || node.opType || 'node'}.${attribute.name ?? ''}`);
        for (const sparse of [...(attribute.sparseTensor ? [attribute.sparseTensor] : []), ...attribute.sparseTensors]) await checkOne(sparse, who);
      }
    }
  }
}

async function checkSparseTensor(
  dir: string,
  { values, indices, dims }: SparseTensorProto,
  who: string,
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const bad = (what: string, expected?: string, found?: string) =>
    refuse('model.bad-sparse', `The sparse tensor ${who} ${what}.`, { ...(expected !== undefined && { expected }), ...(found !== undefined && { found }) });
  if (!values || !indices) throw bad('lacks its values or its indices');
  if (dims.length === 0) throw bad('has no axes');
  const sizes = tensorDims({ dims, name: values.name });
  const elements = sizes.reduce((product, size) => product * size, 1);
  if (values.dims.length !== 1) throw bad('has values that are no list', '1 axis', String(values.dims.length));
  const count = Number(values.dims[0] ?? 0n);
  if (count > elements) throw bad('has more values than places', `at most ${elements}`, String(count));
  const [listed, perIndex] = indices.dims.map(Number);
  const linear = indices.dims.length === 1;
  if (listed !== count || indices.dims.length > 2 || indices.dims.length === 0 || (!linear && perIndex !== dims.length)) {
    throw bad('has indices that do not go with its values', `[${count}] or [${count}, ${dims.length}]`, `[${indices.dims.slice(0, 8).join(', ')}]`);
  }
  if (!INDEX_TYPE.test(typeName(indices.dataType))) throw bad('has indices that are no whole numbers', 'int64', typeName(indices.dataType));
  const axes = linear ? [elements] : sizes;
  let place = 0;
  let before = -1;
  let axis = 0;
  let sorted = true;
  for await (const chunk of elementsOf(dir, indices)) {
    signal?.throwIfAborted();
    for (const index of chunk) {
      const size = axes[axis] ?? 0;
      if (!(index >= 0 && index < size)) throw bad('names a place that it does not have', `0 to ${size - 1}`, String(index));
      place = place * size + index;
      axis++;
      if (axis < axes.length) continue;
      if (place === before) throw bad('has two values for one place', undefined, String(place));
      sorted &&= place > before;
      [before, place, axis] = [place, 0, 0];
    }
  }
  if (!sorted) findings.warn('sparse.order', `The indices of the sparse tensor ${who} do not ascend, as ONNX asks. Some programs refuse it.`, who);
}
