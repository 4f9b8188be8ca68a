/**
 * Bounds the connections of those who have not shown yet who they are. When there are too many the oldest makes room, so
 * that strangers who only hold connections open keep nobody out: whoever has a key shows it within a moment.
 */
import type { Server, Socket } from 'node:net';

export interface Strangers {
  /** This one has shown who it is; a TLS socket counts for the connection below it. */
  known(socket: Socket): void;
}

export function boundStrangers(server: Server, max: number): Strangers {
  /** Oldest first. */
  const waiting = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const key = peerOf(socket);
    waiting.set(key, socket);
    socket.once('close', () => {
      if (waiting.get(key) === socket) waiting.delete(key);
    });
    const [oldest] = waiting;
    if (waiting.size > max && oldest) {
      waiting.delete(oldest[0]);
      oldest[1].destroy();
    }
  });
  return { known: (socket) => void waiting.delete(peerOf(socket)) };
}

/** A TLS socket has the same peer as the connection that carries it. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
