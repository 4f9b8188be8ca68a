/** Reading and copying bytes that may lie in a file. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { readExactly, readPieces } from '#core/platform';
import { refuse } from './errors.ts';
import { COPY_BYTES, MAX_TENSOR_BYTES } from './limits.ts';
import { type Bytes, isFileRange } from './wire-reader.ts';

/** For opening what a person or a model names: a pipe must not keep whoever opens it until somebody writes into it. Windows has no such flag. */
export const READ_ONLY = constants.O_RDONLY | ((constants as Partial<typeof constants>).O_NONBLOCK ?? 0);

/** The bytes themselves. Always at a 16-byte aligned address when they come from a file, so that any typed array fits. */
export async function readBytes(bytes: Bytes): Promise<Uint8Array> {
  if (!isFileRange(bytes)) return bytes;
  if (bytes.length > MAX_TENSOR_BYTES) {
    throw refuse('model.tensor-too-large', 'A tensor is too large to be read at once.', {
      expected: `at most ${MAX_TENSOR_BYTES} bytes`,
      found: `${bytes.length} bytes`,
    });
  }
  const handle = await open(bytes.path, READ_ONLY);
  try {
    return await readExactly(handle, bytes.offset, bytes.length);
  } finally {
    await handle.close();
  }
}

/** The bytes in chunks of at most 1 MiB. A chunk is only valid until the next one is asked for. */
export async function* streamBytes(bytes: Bytes): AsyncGenerator<Uint8Array> {
  if (!isFileRange(bytes)) {
    for (let at = 0; at < bytes.length; at += COPY_BYTES) yield bytes.subarray(at, at + COPY_BYTES);
    return;
  }
  const handle = await open(bytes.path, READ_ONLY);
  try {
    let left = bytes.length;
    for await (const piece of readPieces(handle, { start: bytes.offset, end: bytes.offset + bytes.length, bytes: COPY_BYTES })) {
      left -= piece.length;
      yield piece;
    }
    // Says what is missing.
    if (left > 0) await readExactly(handle, bytes.offset + bytes.length - left, left);
  } finally {
    await handle.close();
  }
}

/** Writes all pieces one after another at the handle's position. */
export async function writePieces(handle: FileHandle, pieces: readonly Bytes[], signal?: AbortSignal): Promise<void> {
  for (const piece of pieces) {
    for await (const chunk of streamBytes(piece)) {
      signal?.throwIfAborted();
      let done = 0;
      while (done < chunk.length) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
    }
  }
}
