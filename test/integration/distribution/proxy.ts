/** A proxy on this computer, as companies have one: it tunnels (CONNECT) and passes on, to where its own map says. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface Proxy {
  port: number;
  /** `CONNECT registry.test:443`, `GET http://registry.test/v2/`. */
  seen: string[];
  /** What was shown to it. */
  shown: (string | undefined)[];
  /** Headers that it was given to pass on. */
  passed: Record<string, unknown>[];
  close(): Promise<void>;
}

/**
 * @param hosts ports of this computer by the name that is asked for
 * @param login `user:password` that it wants to see
 */
export async function testProxy(hosts: Readonly<Record<string, number>>, login?: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const isKnown = (header: string | undefined) => login === undefined || header === `Basic ${Buffer.from(login).toString('base64')}`;
  const proxy: Proxy = { port: 0, seen: [], shown: [], passed: [], close: async () => {} };
  const note = (line: string, header: string | undefined) => {
    proxy.seen.push(line);
    proxy.shown.push(header);
    return isKnown(header);
  };
  const server = createServer((asked, answer) => {
    const url = new URL(asked.url ?? '');
    const { 'proxy-authorization': shown, ...headers } = asked.headers;
    if (!note(`${asked.method} ${asked.url}`, shown)) return void answer.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
    proxy.passed.push(headers);
    const port = hosts[url.host];
    if (port === undefined) return void answer.writeHead(502).end();
    const onward = request({ host: '127.0.0.1', port, method: asked.method, path: `${url.pathname}${url.search}`, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  server.on('connect', (asked, socket: Socket, head: Buffer) => {
    socket.on('error', () => {});
    if (!note(`CONNECT ${asked.url}`, asked.headers['proxy-authorization']))
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n');
    const port = hosts[asked.url ?? ''];
    if (port === undefined) return void socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket);
      socket.pipe(onward);
    });
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => {});
      one.once('close', () => sockets.delete(one));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.port = (server.address() as AddressInfo).port;
  proxy.close = async () => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return proxy;
}
