/** What can go wrong between us and a device, as errors that say whose it is and whether trying again can help. */
import { EdgewrightError, type ErrorBody, ErrorBodySchema } from '#contract';
import { BAD_SERVER_CERTIFICATE, BusyError, INTERRUPTED, NOT_REACHED, MAX_RETRY_AFTER_MS, retryAfterMs, UNREACHABLE } from '#core/distribution';

/** The peer asked to come back later. */
export const BUSY = 'device.busy';
/** Another machine answered than the one that was enrolled. */
export const WRONG_DEVICE = 'trust.wrong-device';
/** The peer does not accept our certificate. */
export const NOT_TRUSTED = 'trust.refused-us';
/** What answers is no agent, or speaks another protocol. */
export const WRONG_ANSWER = 'device.wrong-answer';
/** The peer understood and said no. */
export const REFUSED = 'device.refused';

/** TLS alerts (RFC 8446 §6.2) by which a peer refuses a client certificate, as OpenSSL names them. */
const CERTIFICATE_ALERT =
  /ALERT_(CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/;

/**
 * Turns what node:https threw into one of ours.
 * @param secured whether the TLS handshake had succeeded on our side
 */
export function lineError(error: Error, label: string, secured: boolean): Error {
  if (error instanceof EdgewrightError || error.name === 'AbortError') return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (BAD_SERVER_CERTIFICATE.has(code)) return wrongDevice(label, `${code}: ${error.message}`);
  if (CERTIFICATE_ALERT.test(code)) return notTrusted(label, code);
  if (code.startsWith('HPE_') || code === 'EPROTO' || (code.startsWith('ERR_SSL_') && !secured)) {
    return new EdgewrightError(
      {
        code: WRONG_ANSWER,
        message: `What answers at the address of ${label} is not an Edgewright agent.`,
        expected: 'TLS 1.3 and HTTP',
        found: code,
        hint: 'Check the address; another program may have taken the port.',
        owner: 'device',
      },
      { cause: error },
    );
  }
  if (!secured || NOT_REACHED.has(code)) return unreachable(label, code || error.message, error);
  return interrupted(label, code || error.message, error);
}

export function unreachable(label: string, found: string, cause?: Error): EdgewrightError {
  return new EdgewrightError(
    {
      code: UNREACHABLE,
      message: `${label} cannot be reached.`,
      found,
      hint: 'Check that the device is on, that its agent runs, and that this computer is on the same network.',
      owner: 'network',
    },
    { cause },
  );
}

export function interrupted(label: string, found: string, cause?: Error): EdgewrightError {
  return new EdgewrightError(
    { code: INTERRUPTED, message: `The connection to ${label} broke.`, found, hint: 'Run it again: what was sent already is kept.', owner: 'network' },
    { cause },
  );
}

export function wrongDevice(label: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: WRONG_DEVICE,
    message: `Another machine answers at the address of ${label}.`,
    expected: `the certificate this workspace gave to ${label}`,
    found,
    hint: 'Nothing was sent. Check the address; if the device was set up anew, remove it here and enrol it again.',
    owner: 'trust',
  });
}

/** @param found the TLS alert, or what the device did */
export function notTrusted(label: string, found: string): EdgewrightError {
  const clock = found.includes('CERTIFICATE_EXPIRED');
  return new EdgewrightError({
    code: NOT_TRUSTED,
    message: `${label} does not trust this workspace.`,
    found,
    hint: clock
      ? 'By its clock our certificate is not valid now. Look at the clock of the device; if it belongs to another workspace, ask that one for a new grant.'
      : 'It was probably enrolled by another workspace or reset. Remove it here, start pairing on it, and add it again.',
    owner: 'trust',
  });
}

export function wrongAnswer(label: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: WRONG_ANSWER,
    message: `${label} gave an answer that its agent should not give.`,
    expected,
    found: found.slice(0, 200),
    hint: 'Check that the agent and this program are of the same version.',
    owner: 'device',
  });
}

/**
 * The error that an answer with a status of 400 and above stands for. Bodies are `{error: ErrorBody}` or OCI's
 * `{errors: [{code, message, detail?: ErrorBody}]}`. An owner that means "this computer" to the device (`machine`,
 * `input`, `bug` …) becomes `device` here: seen from us the device said no.
 */
export function refusal(label: string, status: number, body: Buffer, retryAfter?: string): EdgewrightError {
  const told = errorBody(body);
  const later = status === 429 || status === 503 || ((status === 502 || status === 504) && !told);
  if (later) {
    const afterMs = retryAfterMs(retryAfter, Date.now(), MAX_RETRY_AFTER_MS);
    return new BusyError(
      { code: BUSY, message: `${label} is busy: ${told?.message ?? `status ${status}`}`, hint: 'Try again in a moment.', owner: 'device' },
      afterMs,
    );
  }
  if (told) {
    const owner = told.owner === 'gate' || told.owner === 'trust' || told.owner === 'cancelled' ? told.owner : 'device';
    return new EdgewrightError({ ...told, message: `${label}: ${told.message}`, owner });
  }
  if (status === 401 || status === 403) return notTrusted(label, `status ${status}`);
  return new EdgewrightError({ code: REFUSED, message: `${label} refused.`, found: `status ${status}`, owner: 'device' });
}

function errorBody(body: Buffer): ErrorBody | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if ('error' in value) {
    const own = ErrorBodySchema.safeParse(value.error);
    return own.success ? own.data : undefined;
  }
  if (!('errors' in value) || !Array.isArray(value.errors)) return undefined;
  const first: unknown = value.errors[0];
  if (typeof first !== 'object' || first === null) return undefined;
  const detail = 'detail' in first ? ErrorBodySchema.safeParse(first.detail) : undefined;
  if (detail?.success) return detail.data;
  const code = 'code' in first && typeof first.code === 'string' ? first.code : 'UNKNOWN';
  const message = 'message' in first && typeof first.message === 'string' ? first.message : code;
  return { code: REFUSED, message: `${message.slice(0, 500)}`, found: code.slice(0, 64), owner: 'device' };
}
