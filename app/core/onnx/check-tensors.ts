/** Whether every tensor holds what its type and dimensions say, and nothing that is not a number. */
import { basename } from 'node:path';
import { streamBytes } from './bulk.ts';
import { ExternalData } from './check-external.ts';
import { checkSparse } from './check-sparse.ts';
import { rawLength, typeFacts, typeName } from './data-types.ts';
import { refuse, shown } from './errors.ts';
import { externalPlace, isExternal } from './external.ts';
import type { Findings } from './findings.ts';
import { MAX_RANK, SCAN_SPARE_BYTES } from './limits.ts';
import type { TensorProto } from './messages.ts';
import type { OnnxModel } from './model.ts';
import { warnOfNonNumbers } from './non-numbers.ts';
import { elementCount } from './tensors.ts';
import { tensorsOf } from './walk.ts';
import { type Bytes, byteLength } from './wire-reader.ts';

const NUMBER_FIELDS = ['floatData', 'int32Data', 'int64Data', 'uint64Data', 'doubleData'] as const;

/**
 * @param storedBytes what files really take on disk: no more is read than that, so that files with holes cost nothing
 * @returns the external data files
 * @throws model.tensor-*, model.bad-type, model.bad-dims, model.external-*, model.bad-sparse
 */
export async function checkTensors(
  model: OnnxModel,
  findings: Findings,
  storedBytes: (paths: readonly string[]) => Promise<number>,
  signal?: AbortSignal,
): Promise<number> {
  const external = new ExternalData(model.dir);
  const scans: { bytes: Bytes; type: string; where: string }[] = [];
  for (const { tensor, where, initializer } of tensorsOf(model)) {
    signal?.throwIfAborted();
    const held = await placeOf(tensor, where, external);
    if (isExternal(tensor) && basename(model.path) === externalPlace(tensor).location) {
      findings.warn(
        'external.self',
        `Tensor ${shown(where)} takes its elements from the model file itself. That is unusual, and changes whenever the file does.`,
        where,
      );
    }
    if (initializer && held && !held.shared) scans.push({ bytes: held.bytes, type: typeName(tensor.dataType), where });
  }
  external.judgeOverlaps(findings);
  await checkSparse(model, findings, signal);
  const stored = await storedBytes([model.path, ...external.paths]);
  let left = stored + SCAN_SPARE_BYTES;
  for (const { bytes, type, where } of scans) {
    left -= byteLength(bytes);
    if (left < 0) {
      findings.warn('weights.not-read', `Tensor ${shown(where)} and those after it were not looked through: their files have holes.`, where);
      break;
    }
    await warnOfNonNumbers(bytes, type, where, findings, signal);
  }
  return stored;
}

/** Where the elements of a tensor are, once it is clear that they are all there. */
async function placeOf(tensor: TensorProto, where: string, external: ExternalData): Promise<{ bytes: Bytes; shared: boolean } | undefined> {
  const who = shown(tensor.name || where);
  const named = tensor.name ? tensor : { ...tensor, name: where };
  if (tensor.dims.length > MAX_RANK) {
    throw refuse('model.bad-dims', `Tensor ${who} has more axes than any runtime takes.`, {
      expected: `at most ${MAX_RANK}`,
      found: String(tensor.dims.length),
    });
  }
  const count = elementCount(named);
  const filled = [
    ...NUMBER_FIELDS.filter((field) => (tensor[field]?.length ?? 0) > 0),
    ...((tensor.rawData?.length ?? 0) > 0 ? ['rawData'] : []),
    ...(tensor.stringData.length > 0 ? ['stringData'] : []),
  ];
  if (filled.length > 1 || (filled.length === 1 && isExternal(tensor))) {
    throw refuse('model.tensor-unclear', `Tensor ${who} holds its elements in two places.`, { found: filled.join(' and ') });
  }
  if (tensor.segment) throw refuse('model.tensor-unclear', `Tensor ${who} is only a segment of a tensor, which no runtime loads.`);
  const facts = typeFacts(tensor.dataType);
  if (!facts) throw refuse('model.bad-type', `Tensor ${who} has an element type that does not exist.`, { found: String(tensor.dataType ?? 'none') });
  const wrong = (expected: string, found: string) =>
    refuse('model.tensor-length', `Tensor ${who} does not hold as many elements as its dimensions say.`, {
      expected: `${expected} for ${facts.name}[${tensor.dims.slice(0, 16).join(', ')}]`,
      found,
    });
  const bytes = rawLength(facts.bits, count);
  if (isExternal(tensor)) {
    if (facts.bits === 0) throw refuse('model.external-unclear', `Tensor ${who} holds text, which cannot lie in an external file.`);
    const { range, shared } = await external.claim(tensor, bytes, who);
    return { bytes: range, shared };
  }
  if (tensor.rawData !== undefined && !(tensor.rawData.length === 0 && filled.length === 1)) {
    if (facts.bits === 0) throw refuse('model.tensor-length', `Tensor ${who} holds text, which has no raw form.`);
    if (tensor.rawData.length !== bytes) throw wrong(`${bytes} bytes`, `${tensor.rawData.length} bytes`);
    return { bytes: tensor.rawData, shared: false };
  }
  if (facts.field === 'stringData') {
    if (tensor.stringData.length !== count) throw wrong(`${count} texts`, `${tensor.stringData.length}`);
    return undefined;
  }
  const packed: Bytes = tensor[facts.field] ?? new Uint8Array();
  if (facts.field === 'floatData' || facts.field === 'doubleData') {
    if (byteLength(packed) !== bytes) throw wrong(`${bytes} bytes`, `${byteLength(packed)} bytes`);
    return { bytes: packed, shared: false };
  }
  const entries = facts.bits < 8 ? bytes : count;
  const found = await countVarints(packed);
  if (found !== entries) throw wrong(`${entries} numbers`, `${found}`);
  return undefined;
}

async function countVarints(packed: Bytes): Promise<number> {
  let count = 0;
  for await (const chunk of streamBytes(packed)) for (const byte of chunk) if (byte < 0x80) count++;
  return count;
}
