/**
 * One device as an HTTPS peer: mutual TLS 1.3, the server known by the id in its certificate and never by its host
 * name, every wait bounded.
 */
import { Agent, type RequestOptions, request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import { EdgewrightError } from '#contract';
import { abortError } from '#core/platform';
import { certificateRole } from '#core/trust';
import { interrupted, lineError, notTrusted, refusal, TOO_SLOW, unreachable, wrongAnswer, wrongDevice } from './errors.ts';
import { CONNECT_MS, IDLE_MS, MAX_ANSWER_BYTES, MAX_ANSWER_HEADER_BYTES, MAX_FREE_SOCKETS, MIN_BYTES_PER_SECOND, REQUEST_MS } from './limits.ts';

export interface PeerOptions {
  /** `host:port`; an IPv6 host in brackets. */
  address: string;
  /** The id that its certificate must carry. */
  deviceId: string;
  /** How messages call it. */
  label: string;
  /** Our own certificate and key, and the CA that the peer's certificate must come from; PEM. */
  tls: { cert: string; key: string; ca: string };
  connectMs?: number;
  idleMs?: number;
  minBytesPerSecond?: number;
}

/** A body that is read as it is sent. `open` gives exactly `bytes` bytes. */
export interface StreamedBody {
  bytes: number;
  open(): Readable;
  /** Called with the number of bytes handed to the connection so far. */
  onBytes?(sent: number): void;
}

export interface PeerRequest {
  body?: Uint8Array | StreamedBody;
  headers?: Record<string, string>;
  /** The peer may hold its answer back so long (long poll), in ms. */
  waitMs?: number;
  /** Must not be sent twice: no second try on a connection that had gone stale. */
  once?: boolean;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Peer {
  readonly label: string;
  /** Any status is an answer; only a line that fails throws. */
  request(method: string, path: string, options?: PeerRequest): Promise<Answer>;
  /** A JSON request: throws what the peer answered when its status is 400 or above, and on an answer of another shape. */
  json<T extends z.ZodType>(method: string, path: string, schema: T, options?: Omit<PeerRequest, 'body'> & { body?: unknown }): Promise<z.infer<T>>;
  /** Throws the refusal that an answer with a status of 400 or above stands for. */
  accept(answer: Answer): void;
  /** The body of an accepted answer, checked. */
  parse<T extends z.ZodType>(answer: Answer, schema: T): z.infer<T>;
  close(): void;
}

/** A line that failed, with how far it had come. */
interface LineFailure {
  error: Error;
  /** The connection had served an earlier request: the peer may just have closed it for being idle. */
  reused: boolean;
  /** Closed after our handshake and before any answer: how a TLS 1.3 server refuses a client certificate. */
  hungUp: boolean;
}

/** A peer keeps idle connections: close it. Nothing is sent before the first request. */
export function openPeer(options: PeerOptions): Peer {
  const { host, port } = splitAddress(options.address);
  const { label } = options;
  const tls: RequestOptions = {
    ...options.tls,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    checkServerIdentity: (_host, certificate) => checkIdentity(certificate.raw, options.deviceId, label),
  };
  // No TLS session cache: a resumed session would skip the identity check.
  const kept = new Agent({ keepAlive: true, maxFreeSockets: MAX_FREE_SOCKETS, maxCachedSessions: 0 });
  const fresh = new Agent({ keepAlive: false, maxCachedSessions: 0 });

  function attempt(agent: Agent, method: string, path: string, r: PeerRequest): Promise<Answer | LineFailure> {
    return new Promise((resolve) => {
      const body = r.body ?? new Uint8Array();
      const streamed = isStreamed(body) ? body : undefined;
      const bytes = isStreamed(body) ? body.bytes : body.byteLength;
      let secured = false;
      let answered = false;
      let source: Readable | undefined;
      const req = httpsRequest({
        ...tls,
        host,
        port,
        method,
        path,
        agent,
        maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
        headers: { ...(bytes > 0 || method === 'PUT' || method === 'POST' || method === 'PATCH' ? { 'content-length': String(bytes) } : {}), ...r.headers },
      });
      const idleMs = (options.idleMs ?? IDLE_MS) + (r.waitMs ?? 0);
      const rate = options.minBytesPerSecond ?? MIN_BYTES_PER_SECOND;
      const totalMs = REQUEST_MS + (r.waitMs ?? 0) + (bytes / rate) * 1000;
      let connectTimer: NodeJS.Timeout | undefined;
      const totalTimer = setTimeout(() => req.destroy(tooSlow(label, rate)), totalMs);
      const onAbort = () => req.destroy(abortError());
      const finish = (result: Answer | LineFailure) => {
        clearTimeout(connectTimer);
        clearTimeout(totalTimer);
        r.signal?.removeEventListener('abort', onAbort);
        source?.destroy();
        resolve(result);
      };
      const fail = (error: Error) => {
        const code = 'code' in error ? error.code : '';
        const hungUp = secured && !answered && !req.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
        finish({ error: lineError(error, label, secured), reused: req.reusedSocket, hungUp });
      };

      req.on('socket', (socket) => {
        const line = socket as TLSSocket;
        if (req.reusedSocket) {
          secured = true;
          return;
        }
        connectTimer = setTimeout(
          () => req.destroy(unreachable(label, `no connection within ${(options.connectMs ?? CONNECT_MS) / 1000} s`)),
          options.connectMs ?? CONNECT_MS,
        );
        line.once('secureConnect', () => {
          clearTimeout(connectTimer);
          secured = true;
        });
      });
      req.setTimeout(idleMs, () => req.destroy(interrupted(label, `silent for ${Math.round(idleMs / 1000)} s`)));
      req.on('error', fail);
      req.on('response', (response) => {
        answered = true;
        const parts: Buffer[] = [];
        let have = 0;
        response.on('data', (part: Buffer) => {
          have += part.length;
          if (have > MAX_ANSWER_BYTES) return req.destroy(wrongAnswer(label, `at most ${MAX_ANSWER_BYTES} bytes`, 'a longer answer'));
          parts.push(part);
        });
        response.on('error', fail);
        response.on('end', () => {
          finish({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
          // It answered before it had read our body: this connection cannot be used again.
          if (!req.writableFinished) req.destroy();
        });
      });
      if (r.signal?.aborted) return onAbort();
      r.signal?.addEventListener('abort', onAbort, { once: true });
      if (streamed) source = sendStream(req, streamed, label);
      else req.end(body);
    });
  }

  /** One request; a second time only where the first cannot have been taken (stale connection), or to tell a refusal from a cut. */
  async function request(method: string, path: string, r: PeerRequest = {}): Promise<Answer> {
    if (r.signal?.aborted) throw abortError();
    const first = await attempt(r.once ? fresh : kept, method, path, r);
    if (!('error' in first)) return first;
    const again = !r.once && !isStreamed(r.body) && !r.signal?.aborted;
    if (!again || !(first.reused || first.hungUp)) throw first.error;
    const second = await attempt(fresh, method, path, r);
    if (!('error' in second)) return second;
    if (second.hungUp) throw notTrusted(label, 'it closes the connection right after the TLS handshake');
    throw second.error;
  }

  function accept(answer: Answer): void {
    if (answer.status >= 400) throw refusal(label, answer.status, answer.body, answer.headers['retry-after']);
  }

  function parse<T extends z.ZodType>(answer: Answer, schema: T): z.infer<T> {
    accept(answer);
    return parseAnswer(label, schema, answer.body);
  }

  return {
    label,
    request,
    accept,
    parse,
    async json(method, path, schema, options = {}) {
      const { body, ...rest } = options;
      const sent =
        body === undefined ? {} : { body: Buffer.from(JSON.stringify(body), 'utf8'), headers: { 'content-type': 'application/json', ...rest.headers } };
      return parse(await request(method, path, { ...rest, ...sent }), schema);
    },
    close() {
      kept.destroy();
      fresh.destroy();
    },
  };
}

function isStreamed(body: Uint8Array | StreamedBody | undefined): body is StreamedBody {
  return body !== undefined && 'open' in body;
}

/** Pumps the file into the request, with back-pressure; a file that fails or is too short breaks the request with that reason. */
function sendStream(req: ReturnType<typeof httpsRequest>, body: StreamedBody, label: string): Readable {
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
        message: `A file of the bundle is shorter in the store than its manifest says; ${label} was not sent it.`,
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

function parseAnswer<T extends z.ZodType>(label: string, schema: T, body: Buffer): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw wrongAnswer(label, 'JSON', body.toString('utf8'));
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw wrongAnswer(label, 'an answer of this protocol', issue ? `${issue.path.join('.')}: ${issue.message}` : 'another shape');
}

/** undefined when the certificate is that device's. */
function checkIdentity(der: Buffer, deviceId: string, label: string): Error | undefined {
  let found: string;
  try {
    const role = certificateRole(der);
    if (role.role === 'device' && role.id === deviceId) return undefined;
    found = role.role === 'device' ? `the certificate of device ${role.id}` : 'the certificate of a workspace';
  } catch (error) {
    found = error instanceof Error ? error.message : 'an unreadable certificate';
  }
  return wrongDevice(label, found);
}

function tooSlow(label: string, rate: number): EdgewrightError {
  return new EdgewrightError({
    code: TOO_SLOW,
    message: `The connection to ${label} is too slow.`,
    expected: `at least ${rate} bytes per second`,
    hint: 'Move closer or use another link, then run it again: what was sent already is kept.',
    owner: 'network',
  });
}

/**
 * Splits `host:port`; also takes `https://host:port` and `[::1]:port`.
 * @throws device.address-wrong (owner input)
 */
export function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:https?:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]@]{1,255})):(\d{1,5})\/?$/.exec(address.trim());
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (!host || port < 1 || port > 65_535) {
    throw new EdgewrightError({
      code: 'device.address-wrong',
      message: 'This is not an address of a device.',
      expected: 'host:port, as the agent prints it',
      found: address.slice(0, 100),
      owner: 'input',
    });
  }
  return { host, port };
}
