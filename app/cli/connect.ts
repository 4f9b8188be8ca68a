/**
 * Every command speaks the contract: to the running engine when this workspace has one, else to the core in this process.
 */
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { type Contract, EdgewrightError } from '#contract';
import { workspaceHome, workspacePaths } from '#core/platform';
import { askSecret } from './ask-secret.ts';
import WebSocket from 'ws';

export type Client = ContractRouterClient<Contract>;

export interface Connection {
  client: Client;
  /** Whether an engine does the work; else it ends with this process. */
  engine: boolean;
  close(): Promise<void>;
}

/** How long the running engine may take to answer, in ms. */
const CONNECT_TIMEOUT_MS = 5_000;

export async function connect(): Promise<Connection> {
  const home = workspaceHome();
  // Loaded here and not above: a command that only prints its help, or talks to an engine, needs none of the core.
  const { findEngine, openLocalClient } = await import('#engine');
  const engine = await findEngine(workspacePaths(home).engine);
  if (engine) return connectToEngine(engine.port, engine.token);
  const local = await openLocalClient({ home, askPassphrase: () => askSecret("Passphrase of this workspace's private keys") });
  return { client: local.client, engine: false, close: local.close };
}

async function connectToEngine(port: number, token: string): Promise<Connection> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/rpc`, { handshakeTimeout: CONNECT_TIMEOUT_MS, perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => {
      socket.terminate();
      reject(
        new EdgewrightError({
          code: 'machine.engine-silent',
          message: `The engine of this workspace does not answer: ${why}`,
          hint: 'Stop it and run the command again, or wait until it is less busy.',
          owner: 'machine',
        }),
      );
    };
    const timer = setTimeout(() => fail('no reply in time.'), CONNECT_TIMEOUT_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    socket.once('open', () => socket.send(JSON.stringify({ token })));
    socket.once('message', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once('close', () => {
      clearTimeout(timer);
      fail('it closed the connection.');
    });
  });
  const client: Client = createORPCClient(new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }));
  return {
    client,
    engine: true,
    close: async () => {
      socket.removeAllListeners('close');
      socket.close();
    },
  };
}
