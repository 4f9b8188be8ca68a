/**
 * Who may speak to the registry. On loopback: programs of this computer, by a name of this computer (a page that had its own
 * name point here has another), never a web page. Elsewhere: whoever knows a password; guessing is slowed down by address.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '#core/platform';
import { FAILURES_FORGOTTEN_MS, MAX_FAILURES, MAX_REMEMBERED_ADDRESSES } from '../limits.ts';
import { OciError } from '../oci-error.ts';
import { parseBasic, type Passwords, PasswordsBusy } from './htpasswd.ts';

export interface GateOptions {
  clock: Clock;
  /** Names under which the server is reachable and nothing else is; undefined: any. */
  hosts?: readonly string[] | undefined;
  passwords?: Passwords | undefined;
}

const CHALLENGE = { 'www-authenticate': 'Basic realm="Edgewright registry", charset="UTF-8"' };

export type Gate = (request: IncomingMessage) => Promise<void>;

/** @returns a check that throws UNAUTHORIZED, DENIED or TOOMANYREQUESTS */
export function openGate({ clock, hosts, passwords }: GateOptions): Gate {
  const failures = new Map<string, { count: number; until: number }>();

  function waits(address: string): number {
    const entry = failures.get(address);
    if (!entry) return 0;
    const left = entry.until - clock.monotonic();
    if (left <= 0) failures.delete(address);
    return entry.count >= MAX_FAILURES ? Math.max(left, 0) : 0;
  }

  function failed(address: string): void {
    const entry = failures.get(address) ?? { count: 0, until: 0 };
    failures.delete(address);
    if (failures.size >= MAX_REMEMBERED_ADDRESSES) for (const oldest of failures.keys()) if (failures.delete(oldest)) break;
    failures.set(address, { count: entry.count + 1, until: clock.monotonic() + FAILURES_FORGOTTEN_MS });
  }

  async function login(request: IncomingMessage, passwords: Passwords): Promise<void> {
    const address = networkOf(request.socket.remoteAddress ?? '');
    const left = waits(address);
    if (left > 0) throw later('Too many wrong passwords.', Math.ceil(left / 1000));
    const { authorization } = request.headers;
    const given = parseBasic(authorization);
    if (given) {
      try {
        if (await passwords.matches(given.user, given.password, address)) return;
        failed(address);
      } catch (error) {
        if (error instanceof PasswordsBusy) throw later('Too many logins at once.', 1);
        throw error;
      }
    }
    throw new OciError(401, 'UNAUTHORIZED', authorization === undefined ? 'A user and a password are needed.' : 'Wrong user or password.', {
      headers: CHALLENGE,
    });
  }

  return async (request) => {
    if (hosts && !hosts.includes(hostnameOf(request.headers.host))) throw new OciError(403, 'DENIED', 'This registry has another address.');
    if (request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined) {
      throw new OciError(403, 'DENIED', 'A registry does not speak to web pages.');
    }
    if (passwords) await login(request, passwords);
  };
}

function later(message: string, seconds: number): OciError {
  return new OciError(429, 'TOOMANYREQUESTS', message, { headers: { 'retry-after': String(seconds) } });
}

/** An IPv6 network of 64 bits is one customer's, so it counts as one address. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') ? plain.split(':').slice(0, 4).join(':') : plain;
}

/** A Host header without its port. */
function hostnameOf(header = ''): string {
  return header.toLowerCase().replace(/:\d{1,5}$/, '');
}

/** The names under which a loopback server answers, at whatever port: it may be reached through a tunnel. */
export function loopbackNames(host: string): string[] {
  return [...new Set([host.includes(':') ? `[${host}]` : host, '127.0.0.1', 'localhost', '[::1]'])];
}
