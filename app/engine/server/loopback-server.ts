/**
 * The loopback server: the built screens over HTTP and the contract over one WebSocket.
 * 127.0.0.1 and a random port only; see guard.ts for who may talk to it.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { RPCHandler } from '@orpc/server/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { Log } from '#core/platform';
import { HEADERS_TIMEOUT_MS, MAX_CONNECTIONS, MAX_MESSAGE_BYTES, MAX_PENDING_CONNECTIONS, MAX_UNREAD_BYTES, TOKEN_WAIT_MS } from '../limits.ts';
import type { AppRouter } from '../router.ts';
import { hostAllowed, originAllowed, securityHeaders, tokenMatches } from './guard.ts';
import { findStatic, NOT_BUILT, readStaticFiles } from './static-files.ts';

const HelloSchema = z.object({ token: z.string().max(200) });

/** WebSocket close codes of ours (4000–4999 are free for applications). */
const CLOSE_NO_TOKEN = 4001;

export interface LoopbackServer {
  port: number;
  token: string;
  close(): Promise<void>;
}

/**
 * @param options.screens folder of the built screens
 * @param options.port 0 for a random one
 */
export async function startLoopbackServer(router: AppRouter, options: { screens: string; port?: number; log: Log }): Promise<LoopbackServer> {
  const token = randomBytes(32).toString('base64url');
  const files = await readStaticFiles(options.screens);
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: 16 * 1024 });
  server.maxConnections = MAX_CONNECTIONS * 2;
  await listen(server, options.port ?? 0);
  const port = (server.address() as AddressInfo).port;

  server.on('request', (request, response) => serveFile(request, response, port, files));

  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false, clientTracking: true });
  const handler = new RPCHandler(router);
  let pending = 0;
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (!hostAllowed(request, port) || !originAllowed(request, port)) return refuse(socket, 403, 'Forbidden');
    if (request.url !== '/rpc') return refuse(socket, 404, 'Not Found');
    if (pending >= MAX_PENDING_CONNECTIONS || sockets.clients.size >= MAX_CONNECTIONS) return refuse(socket, 503, 'Service Unavailable');
    sockets.handleUpgrade(request, socket, head, (ws) => {
      pending += 1;
      ws.on('error', (error) => options.log.debug({ error: error.message }, 'connection failed'));
      void authenticate(ws, token).then((ok) => {
        pending -= 1;
        if (!ok) return ws.close(CLOSE_NO_TOKEN, 'The first message must carry the token.');
        // For the log of who did what: a page always names its origin, our command line has none.
        void handler.upgrade(readingOnly(ws), { context: { actor: request.headers.origin === undefined ? 'command line' : 'desktop' } });
        ws.send('{"ok":true}');
      });
    });
  });

  return {
    port,
    token,
    close: async () => {
      for (const client of sockets.clients) client.close(1001, 'The engine ends.');
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const client of sockets.clients) client.terminate();
    },
  };
}

function serveFile(request: IncomingMessage, response: ServerResponse, port: number, files: Awaited<ReturnType<typeof readStaticFiles>>): void {
  const nonce = randomBytes(16).toString('base64');
  const headers = securityHeaders(nonce);
  const answer = (status: number, text: string, extra: Record<string, string> = {}) => {
    response.writeHead(status, { ...headers, ...extra, 'content-type': 'text/plain; charset=utf-8' });
    response.end(text);
  };
  if (!hostAllowed(request, port)) return answer(403, 'This address is not ours.\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'Only GET.\n', { allow: 'GET, HEAD' });
  const url = request.url ?? '/';
  const file = findStatic(files, url, nonce) ?? (files.size === 0 && url === '/' ? NOT_BUILT : undefined);
  if (!file) return answer(404, 'Not found.\n');
  response.writeHead(200, { ...headers, 'content-type': file.type, 'content-length': file.bytes.length });
  response.end(request.method === 'HEAD' ? undefined : file.bytes);
}

/** The socket as the handler sees it: a client that stops reading is cut off before what waits for it fills the memory. */
function readingOnly(ws: WebSocket): Pick<WebSocket, 'addEventListener' | 'send'> {
  const send = (data: Parameters<WebSocket['send']>[0]) => (ws.bufferedAmount > MAX_UNREAD_BYTES ? ws.terminate() : ws.send(data));
  return { addEventListener: ws.addEventListener.bind(ws), send };
}

/** True once the first message was the right token, within TOKEN_WAIT_MS. */
function authenticate(ws: WebSocket, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(false), TOKEN_WAIT_MS);
    function settle(ok: boolean) {
      clearTimeout(timer);
      ws.off('message', onMessage);
      ws.off('close', onClose);
      resolve(ok);
    }
    function onMessage(data: Buffer) {
      let hello: unknown;
      try {
        hello = JSON.parse(data.toString('utf8'));
      } catch {
        return settle(false);
      }
      const parsed = HelloSchema.safeParse(hello);
      settle(parsed.success && tokenMatches(parsed.data.token, token));
    }
    const onClose = () => settle(false);
    ws.on('message', onMessage);
    ws.on('close', onClose);
  });
}

function refuse(socket: Socket, status: number, text: string): void {
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
