/**
 * One device as an HTTPS peer: mutual TLS 1.3, the server known by the id in its certificate and never by its host
 * name, every wait bounded.
 */
import { Agent, type RequestOptions } from 'node:https';
import type { z } from 'zod';
import { EdgewrightError } from '#contract';
import { type Answer, exchange, type LineErrors, type LineFailure, TOO_SLOW, type Wire, type WireRequest } from '#core/distribution';
import { abortError } from '#core/platform';
import { certificateRole } from '#core/trust';
import { interrupted, lineError, notTrusted, refusal, unreachable, wrongAnswer, wrongDevice } from './errors.ts';
import { MAX_FREE_SOCKETS, MAX_LOCATION_LENGTH } from './limits.ts';

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

export interface Peer extends Wire {
  /** A JSON request: throws what the peer answered when its status is 400 or above, and on an answer of another shape. */
  json<T extends z.ZodType>(method: string, path: string, schema: T, options?: Omit<WireRequest, 'body'> & { body?: unknown }): Promise<z.infer<T>>;
  /** The body of an accepted answer, checked. */
  parse<T extends z.ZodType>(answer: Answer, schema: T): z.infer<T>;
  close(): void;
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

  const errors: LineErrors = {
    line: (error, secured) => lineError(error, label, secured),
    unreachable: (found) => unreachable(label, found),
    interrupted: (found) => interrupted(label, found),
    tooSlow: (rate) => tooSlow(label, rate),
    tooLong: (maxBytes) => wrongAnswer(label, `at most ${maxBytes} bytes`, 'a longer answer'),
  };

  function attempt(agent: Agent, method: string, path: string, { body, headers, waitMs, signal }: WireRequest): Promise<Answer | LineFailure> {
    const { connectMs, idleMs: silenceMs, minBytesPerSecond } = options;
    return exchange(
      { secure: true, options: { ...tls, host, port, agent } },
      { method, path, body, headers, waitMs, signal, errors, connectMs, silenceMs, minBytesPerSecond },
    );
  }

  /** One request; a second time only where the first cannot have been taken (stale connection), or to tell a refusal from a cut. */
  async function request(method: string, path: string, r: WireRequest = {}): Promise<Answer> {
    if (r.signal?.aborted) throw abortError();
    const first = await attempt(r.once ? fresh : kept, method, path, r);
    if (!('error' in first)) return first;
    const again = !r.once && !(r.body && 'open' in r.body) && !r.signal?.aborted;
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
    follow: (location) => ownPath(label, location),
    wrongAnswer: (expected, found) => wrongAnswer(label, expected, found),
    interrupted: (found) => interrupted(label, found),
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

/** A Location as a path on this same peer; one that points elsewhere is not followed. */
function ownPath(label: string, location: string): string {
  if (location.length <= MAX_LOCATION_LENGTH && location.startsWith('/') && !location.startsWith('//')) return location;
  throw wrongAnswer(label, 'an upload address on the device itself', location);
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
