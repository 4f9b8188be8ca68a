/** The runner's end of the pipe: the frames of #core/platform, without what the rest of that room would load. */
import { Socket } from 'node:net';
import { MAX_ANSWER_BODY_BYTES, MAX_ANSWER_HEADER_BYTES } from './wire.ts';

const PREFIX_BYTES = 8;

export interface Pipe {
  /** Throws, and sends nothing, when the message is larger than the parent takes. */
  send(header: unknown, bodies?: readonly Uint8Array[]): void;
}

/** Reads requests from fd 3, writes answers to fd 4; `onEnd` is called when the parent lets go of the pipe. */
export function openPipe(onMessage: (header: unknown, body: Buffer) => void, onEnd: () => void): Pipe {
  const input = new Socket({ fd: 3, readable: true, writable: false });
  const output = new Socket({ fd: 4, readable: false, writable: true });
  let chunks: Buffer[] = [];
  let have = 0;
  const take = (bytes: number) => {
    const all = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
    chunks = all.length > bytes ? [all.subarray(bytes)] : [];
    have -= bytes;
    return all.subarray(0, bytes);
  };
  let wanted: { head: number; body: number } | undefined;
  input.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    have += chunk.length;
    for (;;) {
      if (!wanted) {
        if (have < PREFIX_BYTES) return;
        const prefix = take(PREFIX_BYTES);
        wanted = { head: prefix.readUInt32LE(0), body: prefix.readUInt32LE(4) };
      }
      const { head, body } = wanted;
      if (have < head + body) return;
      wanted = undefined;
      const frame = take(head + body);
      onMessage(JSON.parse(frame.toString('utf8', 0, head)), frame.subarray(head));
    }
  });
  for (const event of ['end', 'close', 'error']) input.on(event, onEnd);
  output.on('error', onEnd);
  return {
    send: (header, bodies = []) => {
      const head = Buffer.from(JSON.stringify(header), 'utf8');
      const bodyBytes = bodies.reduce((sum, b) => sum + b.byteLength, 0);
      if (head.length > MAX_ANSWER_HEADER_BYTES || bodyBytes > MAX_ANSWER_BODY_BYTES)
        throw new Error(`The answer is too large: ${head.length} + ${bodyBytes} bytes.`);
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix.writeUInt32LE(head.length, 0);
      prefix.writeUInt32LE(bodyBytes, 4);
      for (const part of [prefix, head, ...bodies]) if (part.byteLength > 0) output.write(part);
    },
  };
}
