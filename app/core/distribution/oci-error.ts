/** Failures as the distribution API says them: a status, and `{errors: [{code, message, detail}]}` with the codes of the specification. */
import { asEdgewrightError, httpStatusOf } from '#contract';

/** distribution-spec 1.1, "Error Codes", and `UNKNOWN`, which clients must expect for whatever has no code there. */
export type OciCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'UNKNOWN';

export class OciError extends Error {
  readonly status: number;
  readonly code: OciCode;
  readonly headers: Record<string, string>;
  readonly detail: unknown;

  constructor(status: number, code: OciCode, message: string, more: { headers?: Record<string, string>; detail?: unknown; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.detail = more.detail;
  }
}

/**
 * Any failure in the API's form. What is wrong with this machine or this program is its owner's to read, in the log: whoever
 * asks over the network learns the kind of it and no path.
 */
export function asOciError(error: unknown): OciError {
  if (error instanceof OciError) return error;
  const known = asEdgewrightError(error);
  if (known.code === 'machine.busy' || known.code === 'machine.timeout') {
    return new OciError(503, 'UNKNOWN', 'The registry is busy.', { headers: { 'retry-after': '5' }, detail: { code: known.code }, cause: error });
  }
  // RFC 4918's 507: clients report it as it is and do not take it for a refusal of what they sent.
  if (known.owner === 'machine') return new OciError(507, 'UNKNOWN', 'The registry cannot store this now.', { detail: { code: known.code }, cause: error });
  if (known.owner === 'bug') return new OciError(500, 'UNKNOWN', 'The registry failed.', { detail: { code: known.code }, cause: error });
  const code: OciCode = known.owner === 'trust' ? 'DENIED' : 'MANIFEST_INVALID';
  return new OciError(httpStatusOf(known.owner), code, known.message, { detail: known.toBody(), cause: error });
}

/** The body of an answer that fails. */
export function errorBody(error: OciError): { errors: { code: string; message: string; detail?: unknown }[] } {
  return { errors: [{ code: error.code, message: error.message, ...(error.detail !== undefined && { detail: error.detail }) }] };
}
