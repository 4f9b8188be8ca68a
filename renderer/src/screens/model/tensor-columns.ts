import type { TensorRow } from '#contract';
import { byteUnit } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import type { GridColumn } from '../../parts/grid/columns.ts';

/** What every table of tensors begins with: name, type, shape, and the size in the unit that suits the largest of them. */
export function tensorColumns(tensors: readonly TensorRow[]): GridColumn<TensorRow>[] {
  const size = byteUnit(tensors.map((row) => row.bytes));
  return [
    { id: 'name', header: 'Tensor', value: (row) => plainName(row.name), rowHeader: true, grow: true },
    { id: 'type', header: 'Type', value: (row) => row.type },
    { id: 'dims', header: 'Shape', value: (row) => `[${row.dims.join(', ')}]` },
    { id: 'bytes', header: 'Size', unit: size.unit, align: 'right', value: (row) => row.bytes / size.factor },
  ];
}
