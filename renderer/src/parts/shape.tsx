/** A tensor as `image float32 [1, 1, 8, 8]`; symbolic dimensions keep their names. */
import type { TensorInfo } from '#contract';

export function Shape({ tensor }: { tensor: TensorInfo }) {
  return (
    <code>
      <strong>{tensor.name}</strong> {tensor.type} [{tensor.dims.join(', ')}]
    </code>
  );
}
