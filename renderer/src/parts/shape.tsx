/** A tensor as `image float32 [1, 1, 8, 8]`; symbolic dimensions keep their names. */
import type { TensorInfo } from '#contract';
import { plainName } from '../lib/plain-name.ts';

export function Shape({ tensor }: { tensor: TensorInfo }) {
  return (
    <code>
      <strong>{plainName(tensor.name)}</strong> {tensor.type} [{tensor.dims.map((dim) => (typeof dim === 'string' ? plainName(dim) : dim)).join(', ')}]
    </code>
  );
}
