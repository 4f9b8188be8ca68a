/** A line between two programs that breaks again and again: each connection is reset after so many bytes, in either direction. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Pause after each chunk (64 KiB), in ms: a line is slower than the two programs at its ends, which have read nearly all when it breaks. */
const PACE_MS = 2;

export interface Flapping {
  /** `127.0.0.1:12345` */
  host: string;
  /** Connections that were cut. */
  cuts: number;
  /** Bytes that went to the far side. */
  sent: number;
  /** Bytes that came from there. */
  received: number;
  close(): Promise<void>;
}

/**
 * @param after how many bytes the next connection lives
 * @param paceMs pause after each chunk of up to 64 KiB, in ms
 */
export async function flapping(port: number, after: () => number, paceMs = PACE_MS): Promise<Flapping> {
  const sockets = new Set<Socket>();
  const line: Flapping = { host: '', cuts: 0, sent: 0, received: 0, close: async () => {} };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let left = after();
    const pass = (from: Socket, to: Socket, count: (bytes: number) => void) => {
      from.on('data', (chunk: Buffer) => {
        count(Math.min(chunk.length, left));
        left -= chunk.length;
        if (left > 0) {
          to.write(chunk);
          from.pause();
          setTimeout(() => from.resume(), paceMs);
          return;
        }
        line.cuts += 1;
        // What fits still goes, so that a body ends in its middle.
        to.write(chunk.subarray(0, chunk.length + left), () => {
          near.resetAndDestroy();
          // A reset would throw away what the far side has not read yet, which on one computer is all of it.
          far.destroy();
        });
      });
    };
    pass(near, far, (bytes) => (line.sent += bytes));
    pass(far, near, (bytes) => (line.received += bytes));
    for (const one of [near, far]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        near.destroy();
        far.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  line.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  line.close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return line;
}
