/** Types of values in words. */
import { typeName } from './data-types.ts';
import { MAX_VIEW_DIMS } from './limits.ts';
import type { TypeProto } from './messages.ts';
import { cutText, dimOf } from './tensor-rows.ts';

/** `float32` with dimensions; `sequence(float32)`, `map(int64, float32)` … with none. A dimension nobody knows is `?`. */
export function typeInfo(type: TypeProto | undefined): { type: string; dims: (number | string)[] } {
  const tensor = type?.tensorType ?? type?.sparseTensorType;
  if (tensor) {
    const dims = (tensor.shape?.dim ?? []).slice(0, MAX_VIEW_DIMS);
    return { type: typeName(tensor.elemType), dims: dims.map((dim) => (dim.dimValue !== undefined ? dimOf(dim.dimValue) : cutText(dim.dimParam || '?'))) };
  }
  if (type?.sequenceType) return { type: `sequence(${typeInfo(type.sequenceType.elemType).type})`, dims: [] };
  if (type?.optionalType) return { type: `optional(${typeInfo(type.optionalType.elemType).type})`, dims: [] };
  if (type?.mapType) return { type: `map(${typeName(type.mapType.keyType)}, ${typeInfo(type.mapType.valueType).type})`, dims: [] };
  return { type: 'unknown', dims: [] };
}
