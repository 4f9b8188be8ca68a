/** Tensors to and from the body of a frame. */
import { isElementType, makeTensor, type Tensor, tensorBytes, tensorFromBytes } from '#core/datasets';
import { EdgewrightError } from '#contract';
import type { TensorHeader } from './wire.ts';

export function packTensors(tensors: Readonly<Record<string, Tensor>>): { headers: TensorHeader[]; bodies: Uint8Array[] } {
  const bodies: Uint8Array[] = [];
  const headers = Object.entries(tensors).map(([name, tensor]) => {
    const body = tensor.type === 'string' ? Buffer.from(JSON.stringify(tensor.data), 'utf8') : tensorBytes(tensor);
    bodies.push(body);
    return { name, type: tensor.type, dims: tensor.dims, bytes: body.byteLength };
  });
  return { headers, bodies };
}

export function unpackTensors(headers: readonly TensorHeader[], body: Buffer): Record<string, Tensor> {
  let at = 0;
  return Object.fromEntries(
    headers.map(({ name, type, dims, bytes }) => {
      const part = body.subarray(at, at + bytes);
      at += bytes;
      if (!isElementType(type))
        throw new EdgewrightError({
          code: 'runtime.type-unsupported',
          message: `The output ${name} is of a type that is not supported.`,
          found: type,
          owner: 'input',
        });
      return [name, type === 'string' ? makeTensor('string', dims, JSON.parse(part.toString('utf8')) as string[]) : tensorFromBytes(type, dims, part)];
    }),
  );
}
