/** A model as a file: opened with its weights left on disk, and written whole or not at all. */
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { EdgewrightError } from '#contract';
import { readExactly, replaceFile } from '#core/platform';
import { READ_ONLY, readBytes, writePieces } from './bulk.ts';
import { decodeMessage } from './decode.ts';
import { encodeMessage } from './encode.ts';
import { refuse } from './errors.ts';
import { MAX_PROTOBUF_BYTES } from './limits.ts';
import type { Graph, ModelProto } from './messages.ts';
import { countOf } from './numbers.ts';
import { refuseOtherFormats, SNIFF_BYTES } from './sniff.ts';
import { modelTable } from './tables.ts';
import { WireReader } from './wire-reader.ts';

/** A model that was read: it has a graph, and its weights may lie in `path` or in files of `dir`. */
export interface OnnxModel extends ModelProto {
  graph: Graph;
  path: string;
  /** Where external data is looked for. */
  dir: string;
  /** Size of the model file, without external data. */
  fileBytes: number;
}

/** The default operator domain has two spellings. */
export function normalDomain(domain: string | undefined): string {
  return domain === undefined || domain === 'ai.onnx' ? '' : domain;
}

/** Operator set versions by domain; the default domain is the empty string. */
export function opsetsOf(model: { opsetImport: ModelProto['opsetImport'] }): Map<string, number> {
  return new Map(model.opsetImport.map((opset) => [normalDomain(opset.domain), countOf(opset.version)]));
}

/**
 * Reads a model's structure. Weights above 1 KiB are not read. Nothing is judged but the encoding: see `checkStructure`.
 * @throws model.empty, model.not-onnx, model.truncated, model.malformed, model.too-complex, model.no-graph
 */
export async function readModel(path: string): Promise<OnnxModel> {
  const full = resolve(path);
  const handle = await open(full, READ_ONLY);
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new EdgewrightError({ code: 'usage.not-a-file', message: `${path} is not a regular file.`, owner: 'usage' });
    if (info.size === 0) throw refuse('model.empty', 'The file is empty.', { hint: 'The download or export probably failed. Make the file again.' });
    const head = await readExactly(handle, 0, Math.min(SNIFF_BYTES, info.size));
    refuseOtherFormats(head);
    const proto = decodeMessage(new WireReader({ fd: handle.fd, path: full, size: info.size }), modelTable, info.size);
    if (proto.graph === undefined) {
      if (proto.irVersion === undefined && proto.opsetImport.length === 0) {
        throw refuse('model.not-onnx', 'This is not an ONNX model.', { expected: 'an ONNX model', hint: 'Choose an .onnx file.' });
      }
      throw refuse('model.no-graph', 'The model has no graph: there is nothing to run.', { hint: 'Export it again.' });
    }
    return Object.assign(proto, { graph: proto.graph, path: full, dir: dirname(full), fileBytes: info.size });
  } finally {
    await handle.close();
  }
}

/** Decodes a model that is in memory; for tests and for models made on the fly. `dir` is where external data is looked for. */
export function parseModel(data: Uint8Array): ModelProto {
  return decodeMessage(new WireReader({ data }), modelTable, data.byteLength);
}

/** The bytes of a model, its weights read from wherever they lie; for models small enough to be held in memory. */
export async function serializeModel(model: ModelProto): Promise<Buffer> {
  const { pieces, length } = encodeMessage(model, modelTable);
  const bytes = Buffer.alloc(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(await readBytes(piece), at);
    at += piece.length;
  }
  return bytes;
}

/**
 * Writes a model: whole or not at all, durably. Weights that lie in files are copied over in pieces of 1 MiB; external
 * data stays where it is and keeps its names, so `path` should be in the folder of that data.
 * @returns bytes written
 * @throws model.too-large-for-protobuf beyond 2 GiB
 */
export async function writeModel(model: ModelProto, path: string, options: { signal?: AbortSignal } = {}): Promise<number> {
  const { pieces, length } = encodeMessage(model, modelTable);
  checkLength(length);
  await replaceFile(resolve(path), (handle) => writePieces(handle, pieces, options.signal));
  return length;
}

/** Protobuf counts a message's bytes in 31 bits, whoever reads it. @throws model.too-large-for-protobuf */
export function checkLength(length: number): void {
  if (length <= MAX_PROTOBUF_BYTES) return;
  throw refuse('model.too-large-for-protobuf', 'The model is too large for one file.', {
    expected: `at most ${MAX_PROTOBUF_BYTES} bytes`,
    found: `${length} bytes`,
    hint: 'Keep its weights in an external data file.',
  });
}
