/** Reading from the package index: over TLS, through a proxy where there is one, with every wait bounded. */
import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { EdgewrightError } from '#contract';
import {
  type Answer,
  authorities,
  BAD_SERVER_CERTIFICATE,
  exchange,
  INTERRUPTED,
  type LineErrors,
  NOT_REACHED,
  TOO_SLOW,
  UNREACHABLE,
} from '#core/distribution';
import { hostOf, isLoopback, type Proxies, proxiesOfEnvironment } from '#core/platform';
import { unreached } from './errors.ts';
import { MAX_ADDRESS_LENGTH, MAX_REDIRECTS } from './limits.ts';

export interface WebAccess {
  /** The simple index (PEP 503) to ask, with or without a slash at its end. */
  index: string;
  /** A certificate authority to trust besides this computer's own, as PEM. */
  ca?: string | undefined;
  proxies?: Proxies | undefined;
}

export interface Web {
  /** @param takes given the answer's body as it comes; @returns whether it keeps it */
  get(
    url: URL,
    options: { headers?: Record<string, string>; signal?: AbortSignal | undefined; takes?: (response: IncomingMessage) => boolean },
  ): Promise<Answer>;
  close(): void;
}

/** @param home the index: only there may plain HTTP be spoken, and only where a person gave such an address */
export function openWeb(home: URL, access: WebAccess): Web {
  // A proxy elsewhere knows nothing of this computer.
  const proxyEnv = isLoopback(hostOf(home)) ? undefined : (access.proxies ?? proxiesOfEnvironment());
  const keep = { keepAlive: true, ...(proxyEnv && { proxyEnv }) };
  const http = new HttpAgent(keep);
  const https = new HttpsAgent({ ...keep, minVersion: 'TLSv1.2', ca: authorities(access.ca) });

  async function once(url: URL, options: Parameters<Web['get']>[1]): Promise<Answer> {
    const to = { host: hostOf(url), port: url.port === '' ? undefined : Number(url.port) };
    const asked = {
      method: 'GET',
      path: `${url.pathname}${url.search}`,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'edgewright', ...options.headers },
      signal: options.signal,
      errors: lineErrors(url.host),
      takes: options.takes,
    };
    const answer =
      url.protocol === 'https:'
        ? await exchange({ secure: true, options: { ...to, agent: https } }, asked)
        : await exchange({ secure: false, options: { ...to, agent: http } }, asked);
    if ('error' in answer) throw answer.error;
    return answer;
  }

  return {
    async get(first, options) {
      let url = first;
      for (let hops = 0; ; hops++) {
        if (url.protocol !== 'https:' && url.origin !== home.origin) throw wrongPlace(url.host, url.href);
        const answer = await once(url, options);
        const { location } = answer.headers;
        if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
        const next = location.length > MAX_ADDRESS_LENGTH ? null : URL.parse(location, url.href);
        if (!next || hops >= MAX_REDIRECTS) throw wrongPlace(url.host, location);
        url = next;
      }
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

function wrongPlace(host: string, found: string) {
  return unreached('wrong-place', `${host} points to a place that is not gone to.`, { expected: 'an address with https', found: found.slice(0, 200) });
}

function lineErrors(host: string): LineErrors {
  const network = (code: string, message: string, more: { expected?: string; found?: string; hint: string }, cause?: Error) =>
    new EdgewrightError({ code, message, ...more, owner: 'network' }, { cause });
  const hint = 'Run it again: it goes on from where it stopped.';
  return {
    line(error) {
      if (error instanceof EdgewrightError || error.name === 'AbortError') return error;
      const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
      const found = `${code}: ${error.message}`.slice(0, 300);
      if (BAD_SERVER_CERTIFICATE.has(code))
        return new EdgewrightError(
          { code: 'trust.index-certificate', message: `The certificate of ${host} is not trusted here.`, found, owner: 'trust' },
          { cause: error },
        );
      if (NOT_REACHED.has(code))
        return network(
          UNREACHABLE,
          `${host} cannot be reached.`,
          { found, hint: 'Without a network: fetch the pack elsewhere, and install it with --from.' },
          error,
        );
      return network(INTERRUPTED, `The connection to ${host} broke.`, { found, hint }, error);
    },
    unreachable: (found) => network(UNREACHABLE, `${host} cannot be reached.`, { found, hint: 'Check the network, and HTTPS_PROXY where there is a proxy.' }),
    interrupted: (found) => network(INTERRUPTED, `The connection to ${host} broke.`, { found, hint }),
    tooSlow: (rate) => network(TOO_SLOW, `The connection to ${host} is too slow.`, { expected: `at least ${rate} bytes per second`, hint }),
    tooLong: (maxBytes) => unreached('wrong-answer', `${host} gave too long an answer.`, { expected: `at most ${maxBytes} bytes` }),
  };
}
