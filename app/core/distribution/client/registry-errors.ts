/** What can go wrong between us and a registry, as errors that say what to do. */
import { EdgewrightError } from '#contract';
import { MAX_RETRY_AFTER_MS } from '../limits.ts';
import type { Answer } from '../wire/exchange.ts';
import { BAD_SERVER_CERTIFICATE, BusyError, INTERRUPTED, NOT_REACHED, retryAfterMs, TOO_SLOW, UNREACHABLE } from '../wire/line-errors.ts';

/** Statuses after which the same request may well succeed. */
const LATER: readonly number[] = [408, 429, 500, 502, 503, 504];

function network(code: string, message: string, more: { expected?: string; found?: string; hint?: string } = {}, cause?: Error): EdgewrightError {
  return new EdgewrightError({ code, message, ...more, owner: 'network' }, { cause });
}

export function unreachable(label: string, found: string, cause?: Error): EdgewrightError {
  return network(
    UNREACHABLE,
    `The registry ${label} cannot be reached.`,
    { found, hint: 'Check its address, the network, and HTTPS_PROXY where there is a proxy.' },
    cause,
  );
}

export function interrupted(label: string, found: string, cause?: Error): EdgewrightError {
  return network(INTERRUPTED, `The connection to the registry ${label} broke.`, { found, hint: 'Run it again: it goes on from where it stopped.' }, cause);
}

export function tooSlow(label: string, rate: number): EdgewrightError {
  return network(TOO_SLOW, `The connection to the registry ${label} is too slow.`, {
    expected: `at least ${rate} bytes per second`,
    hint: 'Use another link, then run it again: it goes on from where it stopped.',
  });
}

export function wrongAnswer(label: string, expected: string, found: string): EdgewrightError {
  return network('network.wrong-answer', `The registry ${label} gave an answer that a registry should not give.`, {
    expected,
    found: found.slice(0, 200),
    hint: 'Check the address; on some networks a log-in page answers in place of everything.',
  });
}

/** It pointed to a place that must not be gone to. */
export function wrongPlace(label: string, found: string, expected: string): EdgewrightError {
  return network('network.wrong-place', `The registry ${label} pointed to a place that is not gone to.`, { expected, found: found.slice(0, 200) });
}

/** @param connected whether the connection, with its TLS, was established */
export function lineError(label: string, error: Error, connected: boolean): Error {
  if (error instanceof EdgewrightError || error.name === 'AbortError') return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (BAD_SERVER_CERTIFICATE.has(code)) {
    return new EdgewrightError(
      {
        code: 'trust.registry-certificate',
        message: `The certificate of the registry ${label} is not trusted here.`,
        found: `${code}: ${error.message}`.slice(0, 300),
        hint: 'Where the registry has a certificate of a private authority, name that with --ca-file.',
        owner: 'trust',
      },
      { cause: error },
    );
  }
  if (code === 'ERR_PROXY_TUNNEL')
    return network('network.proxy', `The proxy does not let us through to the registry ${label}.`, { found: error.message.slice(0, 300) }, error);
  if (speaksPlainHttp(error)) {
    return network('network.no-tls', `The registry ${label} does not speak TLS.`, { found: code, hint: 'If that is meant to be so, say --plain-http.' }, error);
  }
  if (code.startsWith('HPE_')) return wrongAnswer(label, 'HTTP', code);
  if (!connected || NOT_REACHED.has(code)) return unreachable(label, code || error.message, error);
  return interrupted(label, code || error.message, error);
}

/** Whether a TLS handshake failed because what answered was no TLS. */
export function speaksPlainHttp(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
}

/**
 * The error that an answer with a status of 300 and above stands for.
 * @param offered a user and a password were shown
 */
export function refusal(label: string, { status, headers, body }: Answer, offered = false): EdgewrightError {
  const told = toldIn(body);
  const found = told?.code ?? `status ${status}`;
  const why = told?.message ?? `status ${status}`;
  if (LATER.includes(status)) {
    const afterMs = retryAfterMs(headers['retry-after'], Date.now(), MAX_RETRY_AFTER_MS);
    return new BusyError(
      { code: 'network.registry-busy', message: `The registry ${label} is busy: ${why}`, found, hint: 'Try again in a moment.', owner: 'network' },
      afterMs,
    );
  }
  if (status < 400) return wrongAnswer(label, 'an answer of the distribution API', `status ${status}`);
  if (status === 401 || status === 403) {
    const message = offered ? 'does not let this user do this, or does not accept the password' : 'does not let us do this';
    return network('network.registry-login', `The registry ${label} ${message}: ${why}`, {
      found,
      hint: 'Log in with docker login, or name a user with --username and give the password with --password-stdin.',
    });
  }
  if (status === 404)
    return network('network.registry-not-found', `The registry ${label} does not have it: ${why}`, {
      found,
      hint: 'Check the repository, the tag and the spelling.',
    });
  return network('network.registry-refused', `The registry ${label} refused: ${why}`, { found });
}

/** The first of the API's errors; registries that are none answer with pages, of which nothing is shown. */
function toldIn(body: Buffer): { code: string; message: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('errors' in value) || !Array.isArray(value.errors)) return undefined;
  const first: unknown = value.errors[0];
  if (typeof first !== 'object' || first === null) return undefined;
  const text = (key: 'code' | 'message') => (key in first ? String((first as Record<string, unknown>)[key]) : '');
  const code = text('code').slice(0, 64);
  return { code: code || 'UNKNOWN', message: text('message').slice(0, 300) || code };
}
