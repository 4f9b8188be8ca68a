/** Whether every tensor holds what its type and dimensions say, and nothing that is not a number. */
import { streamBytes } from './bulk.ts';
import { rawLength, typeFacts, typeName } from './data-types.ts';
import { refuse, shown } from './errors.ts';
import { externalPlace, isExternal } from './external.ts';
import type { Findings } from './findings.ts';
import type { TensorProto } from './messages.ts';
import type { OnnxModel } from './model.ts';
import { elementCount, rawBytes, tensorDims } from './tensors.ts';
import { tensorsOf } from './walk.ts';
import { type Bytes, byteLength } from './wire-reader.ts';
import { basename } from 'node:path';

const NUMBER_FIELDS = ['floatData', 'int32Data', 'int64Data', 'uint64Data', 'doubleData'] as const;

export async function checkTensors(model: OnnxModel, findings: Findings, signal?: AbortSignal): Promise<void> {
  for (const { tensor, where, initializer } of tensorsOf(model)) {
    signal?.throwIfAborted();
    const named = tensor.name ? tensor : { ...tensor, name: where };
    await checkLength(model.dir, named);
    if (isExternal(tensor) && basename(model.path) === externalPlace(named).location) {
      findings.warn(
        'external.self',
        `Tensor ${shown(where)} takes its elements from the model file itself. That is unusual, and changes whenever the file does.`,
        where,
      );
    }
    if (initializer) await warnOfNonNumbers(model.dir, named, where, findings, signal);
  }
}

/** @throws model.tensor-length, model.bad-type, model.bad-dims, model.tensor-unclear, model.external-* */
async function checkLength(dir: string, tensor: TensorProto): Promise<void> {
  tensorDims(tensor);
  const filled = [
    ...NUMBER_FIELDS.filter((field) => (tensor[field]?.length ?? 0) > 0),
    ...((tensor.rawData?.length ?? 0) > 0 ? ['rawData'] : []),
    ...(tensor.stringData.length > 0 ? ['stringData'] : []),
  ];
  if (filled.length > 1 || (filled.length === 1 && isExternal(tensor))) {
    throw refuse('model.tensor-unclear', `Tensor ${shown(tensor.name ?? '')} holds its elements in two places.`, { found: filled.join(' and ') });
  }
  if (tensor.segment) throw refuse('model.tensor-unclear', `Tensor ${shown(tensor.name ?? '')} is only a segment of a tensor, which no runtime loads.`);
  if ((await rawBytes(dir, tensor)) !== undefined) return;
  const facts = typeFacts(tensor.dataType);
  if (!facts) return;
  const count = elementCount(tensor);
  const wrong = (expected: number, found: number) =>
    refuse('model.tensor-length', `Tensor ${shown(tensor.name ?? '')} does not hold as many elements as its dimensions say.`, {
      expected: `${expected} for ${typeName(tensor.dataType)}[${tensor.dims.slice(0, 16).join(', ')}]`,
      found: String(found),
    });
  if (facts.field === 'stringData') {
    if (tensor.stringData.length !== count) throw wrong(count, tensor.stringData.length);
    return;
  }
  const packed: Bytes = tensor[facts.field] ?? new Uint8Array();
  if (facts.field === 'floatData' || facts.field === 'doubleData') {
    const bytes = rawLength(facts.bits, count);
    if (byteLength(packed) !== bytes) throw wrong(bytes, byteLength(packed));
    return;
  }
  const entries = facts.bits < 8 ? rawLength(facts.bits, count) : count;
  const found = await countVarints(packed);
  if (found !== entries) throw wrong(entries, found);
}

async function countVarints(packed: Bytes): Promise<number> {
  let count = 0;
  for await (const chunk of streamBytes(packed)) for (const byte of chunk) if (byte < 0x80) count++;
  return count;
}

/** The bits that are all set in an infinity or NaN, in the highest of the given words. */
const EXPONENTS: Partial<Record<string, { bytes: 2 | 4 | 8; mask: number }>> = {
  float32: { bytes: 4, mask: 0x7f80_0000 },
  float64: { bytes: 8, mask: 0x7ff0_0000 },
  float16: { bytes: 2, mask: 0x7c00 },
  bfloat16: { bytes: 2, mask: 0x7f80 },
};

async function warnOfNonNumbers(dir: string, tensor: TensorProto, where: string, findings: Findings, signal?: AbortSignal): Promise<void> {
  const facts = typeFacts(tensor.dataType);
  const exponent = EXPONENTS[facts?.name ?? ''];
  if (!exponent) return;
  const bytes =
    (await rawBytes(dir, tensor)) ?? (facts?.field === 'floatData' ? tensor.floatData : facts?.field === 'doubleData' ? tensor.doubleData : undefined);
  if (bytes === undefined) return;
  let bad = 0;
  for await (const chunk of streamBytes(bytes)) {
    signal?.throwIfAborted();
    bad += countNonNumbers(chunk, exponent.bytes, exponent.mask);
  }
  if (bad > 0) {
    findings.warn(
      'weights.not-finite',
      `Tensor ${shown(where)} holds ${bad} values that are infinite or not numbers. It cannot be quantized, and answers may be NaN.`,
      where,
    );
  }
}

function countNonNumbers(chunk: Uint8Array, size: 2 | 4 | 8, mask: number): number {
  const aligned = chunk.byteOffset % 4 === 0 ? chunk : Uint8Array.from(chunk);
  let bad = 0;
  if (size === 2) {
    for (const bits of new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length >> 1)) if ((bits & mask) === mask) bad++;
    return bad;
  }
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
  const step = size / 4;
  // Little-endian: the exponent is in the last word of an element.
  for (let i = step - 1; i < words.length; i += step) if (((words[i] ?? 0) & mask) === mask) bad++;
  return bad;
}
