/** How many connections one address may hold, so that nobody takes all of them. */
import type { Server, Socket } from 'node:net';
import { networkOf } from './gate.ts';

/** Closes what is beyond `most` of one address as soon as it is there, before TLS and before a word is read. */
export function limitConnections(server: Server, most: number): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = networkOf(socket.remoteAddress ?? '');
    const count = (open.get(address) ?? 0) + 1;
    if (count > most) return void socket.destroy();
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}
