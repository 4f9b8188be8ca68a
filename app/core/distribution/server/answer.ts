/** Answers of the distribution API. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { asOciError, errorBody } from '../oci-error.ts';
import { drain } from './body.ts';

/** What a route works with. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
}

const ALWAYS = { 'docker-distribution-api-version': 'registry/2.0', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export type Headers = Record<string, string | number>;

/** Writes the head; the body follows from the caller. */
export function head(response: ServerResponse, status: number, headers: Headers): void {
  response.writeHead(status, { ...ALWAYS, ...headers });
}

/** An answer without a body; to HEAD its length may be that of a body. */
export function empty(response: ServerResponse, status: number, headers: Headers = {}): void {
  head(response, status, { ...(status !== 204 && { 'content-length': 0 }), ...headers });
  response.end();
}

export function json({ request, response }: Exchange, status: number, value: unknown, headers: Headers = {}): void {
  bytes({ request, response }, status, Buffer.from(JSON.stringify(value)), { 'content-type': 'application/json', ...headers });
}

/** A body that is at hand. HEAD gets its length only. */
export function bytes({ request, response }: Pick<Exchange, 'request' | 'response'>, status: number, body: Uint8Array, headers: Headers): void {
  head(response, status, { 'content-length': body.length, ...headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Any failure in the API's form; a body that is still coming is not waited for. */
export function failure(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const error = asOciError(thrown);
  const close = request.complete ? {} : { connection: 'close' };
  // An answer to HEAD has no body, so nothing would say why; the status does.
  const body = Buffer.from(JSON.stringify(errorBody(error)));
  bytes({ request, response }, error.status, body, { 'content-type': 'application/json', ...close, ...error.headers });
  drain(request);
}
