/** Bodies in both directions: bounded in bytes, and never slower than a client that is really there. */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { DRAIN_MS, HASH_CHUNK_BYTES, MAX_DRAINED_BYTES, MIN_BYTES_PER_SECOND, RATE_WINDOW_MS } from '../limits.ts';
import { OciError } from '../oci-error.ts';
import type { ByteRange } from '../ranges.ts';

/** Ends the connection when fewer bytes passed in a window than the slowest rate. @returns what stops watching */
function watchRate(message: IncomingMessage | ServerResponse): () => void {
  const { socket } = message;
  const passed = () => (socket?.bytesRead ?? 0) + (socket?.bytesWritten ?? 0);
  let before = passed();
  const timer = setInterval(() => {
    const now = passed();
    if (now - before < (MIN_BYTES_PER_SECOND * RATE_WINDOW_MS) / 1000) socket?.destroy();
    before = now;
  }, RATE_WINDOW_MS);
  return () => clearInterval(timer);
}

/** Declared length of a body in bytes; undefined when it comes in pieces of unknown number. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const text = request.headers['content-length'];
  if (text !== undefined) return Number(text);
  return request.headers['transfer-encoding'] === undefined ? 0 : undefined;
}

/** The body, as it comes. */
export async function* receive(request: IncomingMessage): AsyncGenerator<Buffer, void> {
  const stop = watchRate(request);
  try {
    yield* request as AsyncIterable<Buffer>;
  } finally {
    stop();
  }
}

/** A whole body. @throws SIZE_INVALID with status 413 as soon as it is longer than `maxBytes` */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new OciError(413, 'SIZE_INVALID', `At most ${maxBytes} bytes are taken.`);
  if ((declaredLength(request) ?? 0) > maxBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of receive(request)) {
    length += part.length;
    if (length > maxBytes) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** Sends a file, or a part of it, as the body of an answer whose head was written. */
export async function sendFile(response: ServerResponse, path: string, range: ByteRange): Promise<void> {
  const stop = watchRate(response);
  try {
    await pipeline(createReadStream(path, { ...range, highWaterMark: HASH_CHUNK_BYTES }), response);
  } finally {
    stop();
  }
}

/** After an answer that came before the whole body: the rest is read away for a moment, or the client may never see the answer. */
export function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), DRAIN_MS);
  let drained = 0;
  request.on('data', (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > MAX_DRAINED_BYTES) socket.destroy();
  });
  request.once('close', () => clearTimeout(timer));
  request.resume();
}
