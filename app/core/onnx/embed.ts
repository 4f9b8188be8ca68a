/** Joining: weights from external files back into the model. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { streamBytes } from './bulk.ts';
import { encodeMessage } from './encode.ts';
import { refuse, shown } from './errors.ts';
import { isExternal } from './external.ts';
import { mapTensors } from './map-tensors.ts';
import type { Graph, ModelProto, TensorProto } from './messages.ts';
import { checkLength } from './model.ts';
import { modelTable } from './tables.ts';
import { rawBytes } from './tensors.ts';
import { isFileRange } from './wire-reader.ts';

const CHECKSUM = 'checksum';

/**
 * A model that depends on no external file once it is written with `writeModel`. Nothing is copied here: the weights become
 * byte ranges of their files. The model given is not changed.
 * @throws model.external-* when a file is missing, outside the model's folder, too short, or not what its SHA-1 says;
 *   model.too-large-for-protobuf when the whole would be beyond 2 GiB
 */
export async function embedExternalData<M extends ModelProto & { graph: Graph; dir: string }>(model: M, options: { signal?: AbortSignal } = {}): Promise<M> {
  const checked = new Map<string, string>();
  const embedded = await mapTensors(model, async (tensor) => {
    if (!isExternal(tensor)) return tensor;
    const raw = await rawBytes(model.dir, tensor);
    if (raw === undefined) return tensor;
    if (isFileRange(raw)) await checkChecksum(tensor, raw.path, checked, options.signal);
    return { ...tensor, rawData: raw, externalData: [], dataLocation: undefined };
  });
  if (embedded !== model) checkLength(encodeMessage(embedded, modelTable).length);
  return embedded;
}

/** ONNX: `checksum` is the SHA-1 of the whole file. It is read once, however many tensors lie in it. */
async function checkChecksum(tensor: TensorProto, path: string, checked: Map<string, string>, signal?: AbortSignal): Promise<void> {
  const said = tensor.externalData.find((entry) => entry.key === CHECKSUM)?.value?.toLowerCase();
  if (!said) return;
  const found = checked.get(path) ?? (await sha1(path, signal));
  checked.set(path, found);
  if (found === said) return;
  throw refuse('model.external-checksum', `The external data of tensor ${shown(tensor.name ?? '')} is not the file the model was written with.`, {
    expected: `SHA-1 ${shown(said).slice(1, -1)}`,
    found,
    hint: 'It was changed or damaged since. Fetch the model and its data again.',
  });
}

async function sha1(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha1');
  for await (const chunk of streamBytes({ path, offset: 0, length: (await stat(path)).size })) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}
