/** Failures of a line between two machines, by whether trying again can help. */
import { EdgewrightError, type ErrorBody } from '#contract';

/** The other side could not be reached at all: off, wrong address, no route. */
export const UNREACHABLE = 'network.unreachable';
/** The line broke in the middle. */
export const INTERRUPTED = 'network.interrupted';
/** Slower than the slowest rate we accept. */
export const TOO_SLOW = 'network.too-slow';

/** The other side said "later": `afterMs` is how long it asked us to wait. */
export class BusyError extends EdgewrightError {
  readonly afterMs: number;

  constructor(body: ErrorBody, afterMs: number) {
    super(body);
    this.afterMs = afterMs;
  }
}

/** Whether the same request may well succeed later. Refusals and trust never do. */
export function mayRetry(error: unknown): boolean {
  return error instanceof BusyError || (error instanceof EdgewrightError && (error.code === UNREACHABLE || error.code === INTERRUPTED));
}

/** Codes that mean the other side was never reached. */
export const NOT_REACHED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
]);

/** What Node reports when the server's certificate is not of a given CA (the X509_V_ERR_* of OpenSSL). */
export const BAD_SERVER_CERTIFICATE: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The pause a `Retry-After` asks for (RFC 9110 §10.2.3: seconds, or a date), in ms, held to `maxMs`. */
export function retryAfterMs(header: string | undefined, now: number, maxMs: number): number {
  if (header === undefined) return 0;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), maxMs) : 0;
}
