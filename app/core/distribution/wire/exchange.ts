/**
 * One HTTP exchange with every wait and every buffer bounded: connecting, silence, slowness, the answer's head and body. Who
 * the peer must be, and what a failure is called, are given; tried again is elsewhere.
 */
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest, type RequestOptions as HttpOptions } from 'node:http';
import { request as httpsRequest, type RequestOptions as HttpsOptions } from 'node:https';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { EdgewrightError } from '#contract';
import { abortError } from '#core/platform';
import { CONNECT_MS, MAX_ANSWER_BYTES, MAX_ANSWER_HEADER_BYTES, MIN_SEND_BYTES_PER_SECOND, REQUEST_MS, SILENCE_MS } from '../limits.ts';

/** A body that is read as it is sent. `open` gives exactly `bytes` bytes. */
export interface StreamedBody {
  bytes: number;
  open(): Readable;
  /** Called with the number of bytes handed to the connection so far. */
  onBytes?(sent: number): void;
}

export type Body = Uint8Array | StreamedBody;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A line that failed, with how far it had come. */
export interface LineFailure {
  error: Error;
  /** The connection had served an earlier request: the peer may just have closed it for being idle. */
  reused: boolean;
  /** Closed after our handshake and before any answer: how a TLS 1.3 server refuses a client certificate. */
  hungUp: boolean;
}

/** What failures are called. */
export interface LineErrors {
  /** @param secured whether the connection, with its TLS where it has one, was established */
  line(error: Error, secured: boolean): Error;
  unreachable(found: string): Error;
  interrupted(found: string): Error;
  tooSlow(bytesPerSecond: number): Error;
  tooLong(maxBytes: number): Error;
}

export interface Exchange {
  method: string;
  path: string;
  headers?: Record<string, string> | undefined;
  body?: Body | undefined;
  /** The peer may hold its answer back so long (long poll), in ms. */
  waitMs?: number | undefined;
  signal?: AbortSignal | undefined;
  errors: LineErrors;
  connectMs?: number | undefined;
  silenceMs?: number | undefined;
  minBytesPerSecond?: number | undefined;
  /**
   * Takes an answer's body as it comes instead of having it collected; what it was is then the caller's to read to its end or
   * to destroy. @returns whether it does
   */
  takes?: ((response: IncomingMessage) => boolean) | undefined;
}

/** @param to where and how to connect: host, port, agent, TLS */
export function exchange(
  to: { secure: true; options: HttpsOptions } | { secure: false; options: HttpOptions },
  asked: Exchange,
): Promise<Answer | LineFailure> {
  return new Promise((resolve) => {
    const { method, path, signal, errors } = asked;
    const body = asked.body ?? new Uint8Array();
    const streamed = isStreamed(body) ? body : undefined;
    const bytes = isStreamed(body) ? body.bytes : body.byteLength;
    const hasLength = bytes > 0 || method === 'PUT' || method === 'POST' || method === 'PATCH';
    const options = {
      method,
      path,
      maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
      headers: { ...(hasLength && { 'content-length': String(bytes) }), ...asked.headers },
    };
    let connected = false;
    let answered = false;
    let source: Readable | undefined;
    const req: ClientRequest = to.secure ? httpsRequest({ ...to.options, ...options }) : httpRequest({ ...to.options, ...options });
    const silenceMs = (asked.silenceMs ?? SILENCE_MS) + (asked.waitMs ?? 0);
    const connectMs = asked.connectMs ?? CONNECT_MS;
    const rate = asked.minBytesPerSecond ?? MIN_SEND_BYTES_PER_SECOND;
    let connectTimer: NodeJS.Timeout | undefined;
    const totalTimer = setTimeout(() => req.destroy(errors.tooSlow(rate)), REQUEST_MS + (asked.waitMs ?? 0) + (bytes / rate) * 1000);
    const onAbort = () => req.destroy(abortError());
    const finish = (result: Answer | LineFailure) => {
      clearTimeout(connectTimer);
      clearTimeout(totalTimer);
      signal?.removeEventListener('abort', onAbort);
      source?.destroy();
      resolve(result);
    };
    const fail = (error: Error) => {
      const code = 'code' in error ? error.code : '';
      const hungUp = connected && !answered && !req.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
      finish({ error: errors.line(error, connected), reused: req.reusedSocket, hungUp });
    };

    req.on('socket', (socket) => {
      if (req.reusedSocket) {
        connected = true;
        return;
      }
      connectTimer = setTimeout(() => req.destroy(errors.unreachable(`no connection within ${connectMs / 1000} s`)), connectMs);
      const onConnect = () => {
        clearTimeout(connectTimer);
        connected = true;
      };
      if (to.secure) (socket as TLSSocket).once('secureConnect', onConnect);
      else if (socket.connecting) socket.once('connect', onConnect);
      else onConnect();
    });
    req.setTimeout(silenceMs, () => req.destroy(errors.interrupted(`silent for ${Math.round(silenceMs / 1000)} s`)));
    req.on('error', fail);
    req.on('response', (response) => {
      answered = true;
      const { statusCode: status = 0, headers } = response;
      if (asked.takes?.(response)) {
        // From here on the reader watches how it comes.
        response.on('error', () => {});
        return finish({ status, headers, body: Buffer.alloc(0) });
      }
      const parts: Buffer[] = [];
      let have = 0;
      response.on('data', (part: Buffer) => {
        have += part.length;
        if (have > MAX_ANSWER_BYTES) return req.destroy(errors.tooLong(MAX_ANSWER_BYTES));
        parts.push(part);
      });
      response.on('error', fail);
      response.on('end', () => {
        finish({ status, headers, body: Buffer.concat(parts) });
        // It answered before it had read our body: this connection cannot be used again.
        if (!req.writableFinished) req.destroy();
      });
    });
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (streamed) source = sendStream(req, streamed);
    else req.end(body);
  });
}

export function isStreamed(body: Body | undefined): body is StreamedBody {
  return body !== undefined && 'open' in body;
}

/** Pumps the file into the request, with back-pressure; a file that fails or is too short breaks the request with that reason. */
function sendStream(req: ClientRequest, body: StreamedBody): Readable {
  const source = body.open();
  let sent = 0;
  source.on('data', (chunk: Buffer) => {
    sent += chunk.length;
    body.onBytes?.(Math.min(sent, body.bytes));
  });
  source.on('error', (error) => req.destroy(error));
  source.on('end', () => {
    if (sent === body.bytes) return;
    req.destroy(
      new EdgewrightError({
        code: 'machine.blob-damaged',
        message: 'A file of the bundle is shorter in the store than its manifest says; it was not sent.',
        expected: `${body.bytes} bytes`,
        found: `${sent} bytes`,
        hint: 'Run edgewright bundle verify, then build the bundle again.',
        owner: 'machine',
      }),
    );
  });
  source.pipe(req);
  return source;
}
