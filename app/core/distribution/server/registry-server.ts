/**
 * The server: HTTP on loopback, or HTTPS with passwords elsewhere. A connection that is slow over its handshake, its headers
 * or its body is cut off; connections, headers and requests are bounded.
 */
import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { asEdgewrightError, EdgewrightError } from '#contract';
import { type Clock, formatAddress, type HostPort, isLoopback, listen, type Log, readFileBounded } from '#core/platform';
import {
  CLOSE_MS,
  HANDSHAKE_MS,
  HEADERS_LOOK_MS,
  HEADERS_MS,
  KEEP_ALIVE_MS,
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_OF_ONE,
  MAX_HEADER_BYTES,
  MAX_HEADERS,
  MAX_PEM_BYTES,
  SWEEP_MS,
} from '../limits.ts';
import { OciError } from '../oci-error.ts';
import type { Repositories } from '../repositories.ts';
import { checkKeyPair } from '../tls-material.ts';
import { failure } from './answer.ts';
import type { BundleDoor } from './bundle-door.ts';
import { limitConnections } from './connections.ts';
import { loopbackNames, openGate } from './gate.ts';
import { openPasswords } from './htpasswd.ts';
import { openRoutes } from './routes.ts';

export interface RegistryServerOptions {
  repositories: Repositories;
  door: BundleDoor;
  clock: Clock;
  log: Log;
  /** Where to listen. */
  at: HostPort;
  /** PEM files of the certificate chain and its key. */
  tls?: { certFile: string; keyFile: string } | undefined;
  /** A password file in htpasswd's form. */
  htpasswdFile?: string | undefined;
  allowDelete: boolean;
}

export interface RegistryServer {
  /** `127.0.0.1:5000` */
  address: string;
  /** `http://127.0.0.1:5000` */
  url: string;
  close(): Promise<void>;
}

/** @throws usage.registry-exposed, usage.htpasswd, usage.tls, machine.port-in-use */
export async function startRegistryServer(options: RegistryServerOptions): Promise<RegistryServer> {
  const { repositories, door, clock, log, tls } = options;
  const { host } = options.at;
  const loopback = isLoopback(host);
  if (!loopback && (!tls || options.htpasswdFile === undefined)) throw exposed(host);
  const passwords = options.htpasswdFile === undefined ? undefined : await openPasswords(options.htpasswdFile, clock);
  const route = openRoutes({ repositories, door, allowDelete: options.allowDelete });
  const gate = openGate({ clock, passwords, ...(loopback && !passwords && { hosts: loopbackNames(host) }) });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await gate(request);
      await route(request, response);
    } catch (error) {
      if (!(error instanceof OciError) && !response.destroyed) report(log, error);
      failure(request, response, error);
    }
  };
  const http: ServerOptions = {
    headersTimeout: HEADERS_MS,
    // A body may take long; how slowly it may come is watched where it is read.
    requestTimeout: 0,
    connectionsCheckingInterval: HEADERS_LOOK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const server = tls ? createTlsServer({ ...http, ...(await readTls(tls)), minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS }) : createServer(http);
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = MAX_HEADERS;
  // On loopback everybody has one address.
  if (!loopback) limitConnections(server, MAX_CONNECTIONS_OF_ONE);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => void answer(request, response));
  const port = await listen(server, host, options.at.port);
  const sweep = setInterval(() => void repositories.sweep().catch((error: unknown) => report(log, error)), SWEEP_MS);
  sweep.unref();

  const address = formatAddress(host, port);
  return {
    address,
    url: `${tls ? 'https' : 'http'}://${address}`,
    close: async () => {
      clearInterval(sweep);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const hurry = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
      await closed;
      clearTimeout(hurry);
    },
  };
}

function report(log: Log, error: unknown): void {
  const known = asEdgewrightError(error);
  if (known.owner === 'bug') log.error({ error: error instanceof Error ? error.stack : String(error) }, 'unexpected failure');
  else if (known.owner === 'machine') log.warn({ problem: known.toBody() }, 'a request failed');
}

async function readTls({ certFile, keyFile }: { certFile: string; keyFile: string }): Promise<{ cert: Buffer; key: Buffer }> {
  const [cert, key] = [await readFileBounded(certFile, MAX_PEM_BYTES), await readFileBounded(keyFile, MAX_PEM_BYTES)];
  checkKeyPair("The server's certificate and key", cert, key);
  return { cert, key };
}

function exposed(host: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.registry-exposed',
    message: `A registry on ${host} can be reached from other computers, so it needs TLS and passwords.`,
    expected: '--tls-cert, --tls-key and --htpasswd, or an address on loopback',
    hint: 'Make a password file with: htpasswd -B -C 12 -c FILE USER',
    owner: 'usage',
  });
}
