/**
 * Splitting: a model's weights into files beside it. The data is whole and durable under a name that nothing had before, and
 * only then the model that points to it takes its place: whatever happens, a model that is there finds its weights.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EdgewrightError } from '#contract';
import { fsyncDir, placeNew, tempName } from '#core/platform';
import { streamBytes } from './bulk.ts';
import { typeFacts } from './data-types.ts';
import { encodeMessage } from './encode.ts';
import { EXTERNAL, isExternal } from './external.ts';
import { EXTERNAL_THRESHOLD_BYTES, LARGE_TENSOR_BYTES, MAPPING_BYTES, MAX_NAME_TRIES, MAX_TENSOR_FILES, PAGE_BYTES } from './limits.ts';
import { mapTensors } from './map-tensors.ts';
import type { TensorProto } from './messages.ts';
import { checkLength, type OnnxModel, readModel, writeModel } from './model.ts';
import { modelTable } from './tables.ts';
import { rawBytes, tensorData } from './tensors.ts';
import { tensorsOf } from './walk.ts';
import type { Bytes } from './wire-reader.ts';

export interface ExternalizeOptions {
  /**
   * Initializers of at least this many bytes leave the model; smaller ones are kept in it, or put back. Default 1024. Scalars and
   * lists below 1024 stay whatever this says: they may be sizes or axes, which ONNX Runtime's shape inference cannot read from a file.
   */
  threshold?: number;
  /** All weights in one file (default), or each in a file of its own in one folder. */
  layout?: 'one file' | 'file per tensor';
  /** Name of that file or folder beside the model; by default `MODEL.data` or `MODEL.weights`, with a number where that is taken. */
  location?: string;
  /** Names the SHA-1 of each file in the model too, as ONNX allows. */
  checksums?: boolean;
  signal?: AbortSignal;
  /** Told after each tensor: bytes written so far, and of how many. */
  onProgress?: (done: number, total: number) => void;
}

export interface Externalized {
  /** Size of the model file, in bytes. */
  bytes: number;
  files: { path: string; bytes: number; tensors: number }[];
}

/** A tensor that leaves, and where its elements are now. */
interface Leaving {
  tensor: TensorProto;
  bytes: Bytes;
}

/** One file of weights as it is planned: offsets in bytes. */
interface DataFile {
  name: string;
  parts: { item: Leaving; offset: number }[];
  bytes: number;
  sha1?: string;
}

/**
 * Writes `model` to `path` with its larger initializers, those of subgraphs included, in files beside it. Memory stays the same
 * however large they are. Weights that were external already are copied along, so the result depends on nothing else; a data
 * file that the model at `path` had before is left where it is.
 * @throws usage.exists when `location` is taken, usage.location when it is no plain name, model.external-* and model.tensor-* when
 *   weights cannot be read, model.too-large-for-protobuf when what stays is beyond 2 GiB; the model at `path` is then as it was
 */
export async function externalizeModel(model: OnnxModel, path: string, options: ExternalizeOptions = {}): Promise<Externalized> {
  const target = resolve(path);
  const perTensor = options.layout === 'file per tensor';
  const base = options.location ?? `${basename(target)}${perTensor ? '.weights' : '.data'}`;
  checkLocation(base, target);
  const { stripped, leaving } = await takeOut(model, options.threshold ?? EXTERNAL_THRESHOLD_BYTES);
  if (leaving.length === 0) return { bytes: await writeModel(stripped, target, options), files: [] };
  const files = perTensor ? planFiles(leaving) : [planFile('', leaving)];
  // What stays must fit before a byte is written; the names are as long as they will be, or a few digits shorter.
  checkLength(encodeMessage(await pointTo(stripped, files, `${base}-${MAX_NAME_TRIES}`, options.checksums), modelTable).length);
  const location = await place(target, base, options, (temp) => writeData(temp, files, perTensor, options));
  try {
    const bytes = await writeModel(await pointTo(stripped, files, location, options.checksums), target, options);
    return {
      bytes,
      files: files.map((file) => ({ path: join(dirname(target), locationOf(location, file)), bytes: file.bytes, tensors: file.parts.length })),
    };
  } catch (error) {
    // The new model may be in place although making that durable failed: then it needs its weights.
    if (!(await pointsTo(target, location))) await rm(join(dirname(target), location), { recursive: true, force: true });
    throw error;
  }
}

/** Whether the model that is at `path` takes weights from there. */
async function pointsTo(path: string, location: string): Promise<boolean> {
  const model = await readModel(path).catch(() => undefined);
  if (!model) return false;
  for (const { tensor } of tensorsOf(model)) {
    const said = tensor.externalData.find((entry) => entry.key === 'location')?.value ?? '';
    if (isExternal(tensor) && (said === location || said.startsWith(`${location}/`))) return true;
  }
  return false;
}

/** A name of ours that any program may join to the model's folder, on any system. */
function checkLocation(name: string, target: string): void {
  if (/^[^\p{Cc}/\\:*?"<>|]{1,200}$/u.test(name) && !name.startsWith('.') && !name.endsWith('.') && name !== basename(target)) return;
  throw new EdgewrightError({
    code: 'usage.location',
    message: 'Weights cannot be put under that name.',
    expected: "one plain name beside the model, not the model's own",
    found: JSON.stringify(name.slice(0, 120)),
    owner: 'usage',
  });
}

/** The model without what leaves: each of those is an empty external tensor, found again by identity in `leaving`. */
async function takeOut(model: OnnxModel, threshold: number): Promise<{ stripped: OnnxModel; leaving: Leaving[] }> {
  const leaving: Leaving[] = [];
  const stripped = await mapTensors(model, async (tensor, role) => {
    if (role !== 'initializer' && !isExternal(tensor)) return tensor;
    if ((typeFacts(tensor.dataType)?.bits ?? 0) === 0) return tensor;
    const bytes = await elementsOf(model.dir, tensor);
    const bare = { ...tensor, floatData: undefined, int32Data: undefined, int64Data: undefined, doubleData: undefined, uint64Data: undefined };
    const needed = tensor.dims.length <= 1 && bytes.length < EXTERNAL_THRESHOLD_BYTES;
    if (role !== 'initializer' || needed || bytes.length < threshold) {
      return isExternal(tensor) ? { ...bare, rawData: bytes, externalData: [], dataLocation: undefined } : tensor;
    }
    const left = { ...bare, rawData: undefined, externalData: [], dataLocation: EXTERNAL };
    leaving.push({ tensor: left, bytes });
    return left;
  });
  return { stripped, leaving };
}

/** Raw elements; those in typed fields are small, or lists of floats that are raw already. */
async function elementsOf(dir: string, tensor: TensorProto): Promise<Bytes> {
  const raw = await rawBytes(dir, tensor);
  if (raw !== undefined) return raw;
  const values = await tensorData(dir, tensor);
  if (Array.isArray(values)) return new Uint8Array();
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function planFile(name: string, items: readonly Leaving[]): DataFile {
  const parts: DataFile['parts'] = [];
  let end = 0;
  for (const item of items) {
    const step = item.bytes.length >= LARGE_TENSOR_BYTES ? MAPPING_BYTES : PAGE_BYTES;
    const offset = Math.ceil(end / step) * step;
    parts.push({ item, offset });
    end = offset + item.bytes.length;
  }
  return { name, parts, bytes: end };
}

/** A tensor's own name may be anything: of it only what every file system takes is used, after a number. */
function planFiles(items: readonly Leaving[]): DataFile[] {
  if (items.length > MAX_TENSOR_FILES) {
    throw new EdgewrightError({
      code: 'usage.too-many-files',
      message: `The model would be split into ${items.length} files.`,
      expected: `at most ${MAX_TENSOR_FILES}`,
      hint: 'Put all weights into one file.',
      owner: 'usage',
    });
  }
  return items.map((item, i) => {
    const readable = (item.tensor.name ?? '').replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 60);
    return planFile(`${String(i).padStart(5, '0')}-${readable}.bin`, [item]);
  });
}

function locationOf(location: string, file: DataFile): string {
  return file.name === '' ? location : `${location}/${file.name}`;
}

/** The model whose tensors name their files. */
async function pointTo(model: OnnxModel, files: readonly DataFile[], location: string, checksums = false): Promise<OnnxModel> {
  const places = new Map<TensorProto, { file: DataFile; offset: number; length: number }>();
  for (const file of files) for (const { item, offset } of file.parts) places.set(item.tensor, { file, offset, length: item.bytes.length });
  return mapTensors(model, async (tensor) => {
    const place = places.get(tensor);
    if (!place) return tensor;
    const externalData = [
      { key: 'location', value: locationOf(location, place.file) },
      { key: 'offset', value: String(place.offset) },
      { key: 'length', value: String(place.length) },
      ...(checksums ? [{ key: 'checksum', value: place.file.sha1 ?? '0'.repeat(40) }] : []),
    ];
    return { ...tensor, externalData };
  });
}

/** Fills a temporary file or folder, and gives it the first free name. */
async function place(target: string, base: string, options: ExternalizeOptions, fill: (temp: string) => Promise<void>): Promise<string> {
  const taken = (name: string) =>
    new EdgewrightError({
      code: 'usage.exists',
      message: `There is something of the name ${JSON.stringify(name.slice(0, 120))} beside the model already.`,
      hint: 'Name another place for the weights, or remove what is there if nothing needs it.',
      owner: 'usage',
    });
  const there = async (name: string) => (await stat(join(dirname(target), name)).catch(() => undefined)) !== undefined;
  if (options.location !== undefined && (await there(base))) throw taken(base);
  const temp = tempName(join(dirname(target), base));
  try {
    await fill(temp);
    for (let i = 0; i < (options.location === undefined ? MAX_NAME_TRIES : 1); i++) {
      const name = i === 0 ? base : `${base}-${i}`;
      if (await placeNew(temp, join(dirname(target), name))) return name;
    }
    throw taken(base);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function writeData(temp: string, files: DataFile[], folder: boolean, options: ExternalizeOptions): Promise<void> {
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  let before = 0;
  if (folder) await mkdir(temp, { mode: 0o700 });
  for (const file of files) {
    await writeFile(folder ? join(temp, file.name) : temp, file, options, (done) => options.onProgress?.(before + done, total));
    before += file.bytes;
  }
  if (folder) await fsyncDir(temp);
}

async function writeFile(path: string, file: DataFile, options: ExternalizeOptions, onTensor: (done: number) => void): Promise<void> {
  const hash: Hash | undefined = options.checksums ? createHash('sha1') : undefined;
  const handle = await open(path, 'wx', 0o600);
  try {
    let at = 0;
    const write = async (chunk: Uint8Array) => {
      options.signal?.throwIfAborted();
      hash?.update(chunk);
      for (let done = 0; done < chunk.length; ) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
      at += chunk.length;
    };
    for (const { item, offset } of file.parts) {
      await write(new Uint8Array(offset - at));
      for await (const chunk of streamBytes(item.bytes)) await write(chunk);
      onTensor(at);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (hash) file.sha1 = hash.digest('hex');
}
