/** Every tensor of a model as a row: how large it is and where its elements are. Nothing is read, and nothing refused. */
import type { TensorRow } from '#contract';
import { rawLength, typeFacts, typeName } from './data-types.ts';
import { isExternal } from './external.ts';
import type { IndexedGraph, IndexedTensor } from './graph-links.ts';
import { MAX_VIEW_DIMS, MAX_VIEW_NAME } from './limits.ts';
import type { TensorProto } from './messages.ts';
import { byteLength } from './wire-reader.ts';

export function indexTensors(graphs: readonly IndexedGraph[]): IndexedTensor[] {
  const rows: IndexedTensor[] = [];
  for (const { number: graph, node, graph: proto } of graphs) {
    let index = 0;
    const add = (tensor: TensorProto | undefined, role: TensorRow['role'], name: string) => {
      if (tensor) rows.push({ tensor, graph, index: index++, role, name, ...sizeOf(tensor) });
    };
    for (const tensor of proto?.initializer ?? []) add(tensor, 'initializer', tensor.name ?? '');
    for (const sparse of proto?.sparseInitializer ?? []) {
      add(sparse.values, 'sparse values', sparse.values?.name ?? '');
      add(sparse.indices, 'sparse indices', sparse.indices?.name || `indices of ${sparse.values?.name ?? ''}`);
    }
    for (const holder of node) {
      for (const attribute of holder.attribute) {
        const where = `${holder.name || holder.output[0] || holder.opType || 'node'}.${attribute.name ?? ''}`;
        add(attribute.t, 'attribute', where);
        for (const tensor of attribute.tensors) add(tensor, 'attribute', where);
        for (const sparse of [...(attribute.sparseTensor ? [attribute.sparseTensor] : []), ...attribute.sparseTensors]) {
          add(sparse.values, 'attribute', `${where} values`);
          add(sparse.indices, 'attribute', `${where} indices`);
        }
      }
    }
  }
  return rows;
}

function sizeOf(tensor: TensorProto): { elements: number; bytes: number } {
  const facts = typeFacts(tensor.dataType);
  const product = tensor.dims.reduce((all, dim) => (all > BigInt(Number.MAX_SAFE_INTEGER) ? all : all * dim), 1n);
  const elements = product < 0n || product > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(product);
  if (facts && facts.bits > 0) return { elements, bytes: rawLength(facts.bits, elements) };
  return { elements, bytes: tensor.stringData.reduce((sum, text) => sum + text.length, 0) + (tensor.rawData ? byteLength(tensor.rawData) : 0) };
}

/** The row as a client gets it, names cut. */
export function tensorRow(row: IndexedTensor): TensorRow {
  const { tensor, graph, index, role, name, elements, bytes } = row;
  return {
    id: `${graph}.${index}`,
    name: cutText(name),
    type: typeName(tensor.dataType),
    dims: tensor.dims.slice(0, MAX_VIEW_DIMS).map(dimOf),
    elements,
    bytes,
    stored: storedIn(tensor),
    role,
    graph,
  };
}

/** A number where JSON carries it exactly, else its digits. */
export function dimOf(dim: bigint): number | string {
  const number = Number(dim);
  return Number.isSafeInteger(number) ? number : String(dim);
}

/** A text of the model, short enough for a list. */
export function cutText(text: string, most = MAX_VIEW_NAME): string {
  return text.length > most ? `${text.slice(0, most).toWellFormed()}…` : text;
}

function storedIn(tensor: TensorProto): TensorRow['stored'] {
  if (!isExternal(tensor)) return { kind: 'inside' };
  const said = (key: string) => tensor.externalData.find((entry) => entry.key === key)?.value;
  const count = (key: string) => {
    const value = Number(said(key));
    return said(key) && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  const length = count('length');
  return { kind: 'external', location: cutText(said('location') ?? ''), offset: count('offset') ?? 0, ...(length !== undefined && { length }) };
}
