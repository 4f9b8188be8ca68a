/**
 * Frames on a child's pipe: u32 LE header length, u32 LE body length, JSON header, raw body. Tensors travel in the body,
 * never as JSON. Both lengths are checked before anything is allocated.
 */
import type { Readable, Writable } from 'node:stream';
import { EdgewrightError } from '#contract';
import { MAX_FRAME_BODY_BYTES, MAX_FRAME_HEADER_BYTES } from './limits.ts';

export interface Frame {
  header: unknown;
  body: Buffer;
}

/** Most that one frame may hold, in bytes. */
export interface FrameLimits {
  headerBytes: number;
  bodyBytes: number;
}

const PREFIX_BYTES = 8;
const LARGEST: FrameLimits = { headerBytes: MAX_FRAME_HEADER_BYTES, bodyBytes: MAX_FRAME_BODY_BYTES };

/** Writes one frame; resolves when the pipe took it (back-pressure). `bodies` are written one after another, uncopied. */
export function writeFrame(out: Writable, header: unknown, bodies: readonly Uint8Array[] = []): Promise<void> {
  const head = Buffer.from(JSON.stringify(header), 'utf8');
  const bodyBytes = bodies.reduce((sum, b) => sum + b.byteLength, 0);
  if (head.length > MAX_FRAME_HEADER_BYTES || bodyBytes > MAX_FRAME_BODY_BYTES) {
    return Promise.reject(
      new EdgewrightError({
        code: 'machine.frame-too-large',
        message: 'The data is too large for one message to a runner.',
        expected: `at most ${MAX_FRAME_BODY_BYTES} bytes`,
        found: `${bodyBytes} bytes`,
        owner: 'machine',
      }),
    );
  }
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix.writeUInt32LE(head.length, 0);
  prefix.writeUInt32LE(bodyBytes, 4);
  return new Promise((resolve, reject) => {
    const parts = [prefix, head, ...bodies];
    parts.forEach((part, i) => {
      const last = i === parts.length - 1;
      const chunk = Buffer.isBuffer(part) ? part : Buffer.from(part.buffer, part.byteOffset, part.byteLength);
      out.write(chunk, last ? (error) => (error ? reject(error) : resolve()) : undefined);
    });
  });
}

/** Calls `onFrame` for each whole frame; `onError` once when the stream breaks the format. */
export function readFrames(input: Readable, onFrame: (frame: Frame) => void, onError: (error: Error) => void, limits: FrameLimits = LARGEST): void {
  let pending: Buffer[] = [];
  let have = 0;
  let broken = false;
  input.on('data', (chunk: Buffer) => {
    if (broken) return;
    pending.push(chunk);
    have += chunk.length;
    try {
      for (;;) {
        if (have < PREFIX_BYTES) return;
        const prefix = peek(PREFIX_BYTES);
        const headBytes = prefix.readUInt32LE(0);
        const bodyBytes = prefix.readUInt32LE(4);
        if (headBytes > limits.headerBytes || bodyBytes > limits.bodyBytes) throw new Error(`frame of ${headBytes}+${bodyBytes} bytes`);
        const total = PREFIX_BYTES + headBytes + bodyBytes;
        if (have < total) return;
        const all = peek(total);
        pending = all.length < pending[0]!.length ? [pending[0]!.subarray(total), ...pending.slice(1)] : pending.slice(1);
        have -= total;
        const header: unknown = JSON.parse(all.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + headBytes));
        onFrame({ header, body: all.subarray(PREFIX_BYTES + headBytes, total) });
      }
    } catch (error) {
      broken = true;
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  });

  /** Joins pending chunks until the first holds `n` bytes; returns those bytes. */
  function peek(n: number): Buffer {
    if (pending[0]!.length < n) pending = [Buffer.concat(pending)];
    return pending[0]!.subarray(0, n);
  }
}
