/** Whether sparse tensors name places that they have: their indices are written into memory by whoever unfolds them. */
import { DataType, typeFacts } from './data-types.ts';
import { refuse, shown } from './errors.ts';
import type { SparseTensorProto } from './messages.ts';
import type { OnnxModel } from './model.ts';
import { tensorDims } from './tensors.ts';
import { scopes } from './walk.ts';
import { isFileRange } from './wire-reader.ts';

/** @throws model.bad-sparse, model.bad-dims */
export function checkSparse(model: OnnxModel): void {
  for (const scope of scopes(model)) {
    for (const sparse of scope.graph?.sparseInitializer ?? []) checkOne(sparse, shown(sparse.values?.name ?? ''));
    for (const node of scope.node) {
      for (const attribute of node.attribute) {
        const who = shown(`${node.name || node.opType || 'node'}.${attribute.name ?? ''}`);
        for (const sparse of [...(attribute.sparseTensor ? [attribute.sparseTensor] : []), ...attribute.sparseTensors]) checkOne(sparse, who);
      }
    }
  }
}

function checkOne({ values, indices, dims }: SparseTensorProto, who: string): void {
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
  const raw = indices.rawData;
  // Others, and indices of some hundred values, are judged by ONNX Runtime when it loads the model.
  if (!raw || isFileRange(raw) || indices.dataType !== DataType.int64 || !typeFacts(values.dataType)) return;
  const view = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let at = 0; at + 8 <= view.length; at += 8) {
    const most = linear ? elements : (sizes[(at / 8) % dims.length] ?? 0);
    const index = view.readBigInt64LE(at);
    if (index < 0n || index >= BigInt(most)) throw bad('names a place that it does not have', `0 to ${most - 1}`, String(index));
  }
}
