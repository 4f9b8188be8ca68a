/** Pairing messages on a TLS socket: u32 BE length, then that many bytes of JSON. Used by both sides. */
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import { EdgewrightError } from '#contract';
import { MAX_PAIRING_MESSAGE_BYTES, PAIRING_MESSAGE_MS } from './limits.ts';
import { PAIRING_EXPORTER, type PairingMessage } from './messages.ts';

const LENGTH_BYTES = 4;

export interface PairingWire {
  /** Resolves once the message was handed to the operating system. */
  send(message: PairingMessage): Promise<void>;
  /** The next message, parsed; throws owner `network` on time-out, a cut line, or a message that breaks the format. */
  receive<T extends z.ZodType>(schema: T): Promise<z.infer<T>>;
}

/** Secret that only the two ends of this very TLS connection share. */
export function pairingExporter(socket: TLSSocket): Buffer {
  return socket.exportKeyingMaterial(PAIRING_EXPORTER.bytes, PAIRING_EXPORTER.label, Buffer.from(PAIRING_EXPORTER.context));
}

/** Takes over reading from `socket`; messages that arrive before `receive` is called are kept (bounded to one message). */
export function pairingWire(socket: TLSSocket, timeoutMs = PAIRING_MESSAGE_MS): PairingWire {
  let pending = Buffer.alloc(0);
  let failure: Error | undefined;
  let wake: (() => void) | undefined;

  const fail = (message: string, found?: string) => {
    failure ??= new EdgewrightError({ code: 'network.pairing-broken', message, ...(found !== undefined && { found }), owner: 'network' });
    socket.destroy();
    wake?.();
  };
  socket.on('data', (chunk: Buffer) => {
    if (pending.length + chunk.length > 2 * (MAX_PAIRING_MESSAGE_BYTES + LENGTH_BYTES)) return fail('The other side sent more than a pairing ever needs.');
    pending = Buffer.concat([pending, chunk]);
    wake?.();
  });
  socket.on('error', (error: Error) => fail('The connection broke while pairing.', error.message));
  socket.on('close', () => fail('The other side closed the connection while pairing.'));

  function takeMessage(): Buffer | undefined {
    if (pending.length < LENGTH_BYTES) return undefined;
    const length = pending.readUInt32BE(0);
    if (length > MAX_PAIRING_MESSAGE_BYTES) {
      fail('The other side announced a message larger than a pairing ever needs.', `${length} bytes`);
      return undefined;
    }
    if (pending.length < LENGTH_BYTES + length) return undefined;
    const message = pending.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
    pending = pending.subarray(LENGTH_BYTES + length);
    return message;
  }

  return {
    send(message) {
      const body = Buffer.from(JSON.stringify(message), 'utf8');
      const prefix = Buffer.allocUnsafe(LENGTH_BYTES);
      prefix.writeUInt32BE(body.length, 0);
      return new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        socket.write(Buffer.concat([prefix, body]), (error) => (error ? reject(failure ?? error) : resolve()));
      });
    },
    async receive(schema) {
      const timer = setTimeout(() => fail('The other side did not answer in time.', `silent for ${timeoutMs} ms`), timeoutMs);
      try {
        for (;;) {
          // A whole message counts even when the other side has closed since.
          const message = takeMessage();
          if (message) return parse(schema, message);
          if (failure) throw failure;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        clearTimeout(timer);
        wake = undefined;
      }
    },
  };
}

function parse<T extends z.ZodType>(schema: T, message: Buffer): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(message.toString('utf8'));
  } catch {
    value = undefined;
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new EdgewrightError({
    code: 'network.pairing-broken',
    message: 'The other side sent something that is no pairing message.',
    found: result.error.issues[0] ? `${result.error.issues[0].path.join('.')}: ${result.error.issues[0].message}` : 'not JSON',
    hint: 'Check that the address is that of an Edgewright agent, and that both are the same version.',
    owner: 'network',
  });
}
