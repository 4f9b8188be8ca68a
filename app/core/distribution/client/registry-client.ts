/**
 * One repository of one registry, whoever runs it: TLS, proxies, login, redirects, and nothing of what it says believed
 * further than it must be. Speaks plain HTTP only to this computer, or where a person says so.
 */
import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { abortError, type Clock, hostOf, isLoopback, type Proxies, proxiesOfEnvironment } from '#core/platform';
import { MAX_LOGINS, MAX_REDIRECTS, MAX_REGISTRY_SOCKETS } from '../limits.ts';
import { type Answer, exchange, type LineErrors } from '../wire/exchange.ts';
import { authorities, checkAuthorities, checkKeyPair } from '../tls-material.ts';
import type { Wire, WireRequest } from '../wire/wire.ts';
import { type Credentials, dockerCredentials } from './docker-config.ts';
import { openLogin } from './login.ts';
import { guardedLookup, type Origin, placeOf } from './places.ts';
import type { RegistryRef } from './reference.ts';
import { interrupted, lineError, refusal, speaksPlainHttp, tooSlow, unreachable, wrongAnswer } from './registry-errors.ts';

/** How to come to a registry, as far as a person says it. */
export interface RegistryAccess {
  /** Speak HTTP without TLS. */
  plainHttp?: boolean | undefined;
  /** Certificates of a private authority, PEM, trusted beside the usual ones. */
  ca?: string | undefined;
  /** A client certificate and its key, PEM. */
  client?: { cert: string; key: string } | undefined;
  login?: { user: string; password: string } | undefined;
  /** Another host that may be given the password for tokens. */
  authHost?: string | undefined;
  /** As the environment variables have them; Node's own rules apply. */
  proxies?: Proxies | undefined;
  /** Where Docker keeps credentials; else its usual place. */
  dockerConfig?: string | undefined;
}

export interface RegistryClient extends Wire {
  readonly repository: string;
  /** An answer whose body comes as it is read; redirects are followed. Read it to its end or destroy it. */
  open(address: string, options: { headers?: Record<string, string>; signal: AbortSignal }): Promise<{ answer: Answer; body: IncomingMessage | undefined }>;
  close(): void;
}

/** Docker Hub's name in references is not the name of its registry. */
const HUB = { name: 'docker.io', host: 'registry-1.docker.io' };

/**
 * @param actions `pull`, or `pull,push`
 * @param mountFrom further repositories of the registry that are read
 * @throws usage.tls; network.unreachable, trust.registry-certificate, network.no-tls
 */
export async function openRegistryClient(
  ref: Pick<RegistryRef, 'host' | 'repository'>,
  access: RegistryAccess,
  options: { clock: Clock; actions: 'pull' | 'pull,push'; mountFrom?: readonly string[]; signal?: AbortSignal | undefined },
): Promise<RegistryClient> {
  if (access.ca !== undefined) checkAuthorities(access.ca);
  if (access.client) checkKeyPair('The client certificate and its key', access.client.cert, access.client.key);
  const host = ref.host === HUB.name ? HUB.host : ref.host;
  const secure = new URL(`https://${host}`);
  const plain = new URL(`http://${host}`);
  const scopes = [`repository:${ref.repository}:${options.actions}`, ...(options.mountFrom ?? []).map((name) => `repository:${name}:pull`)];
  const open = (url: URL) => new Client({ url, label: ref.host }, ref.repository, access, options.clock, scopes);
  if (access.plainHttp) return open(plain);
  const client = open(secure);
  if (!isLoopback(hostOf(secure))) return client;
  // On this computer registries mostly speak without TLS; which it is, the first word tells.
  try {
    await client.request('GET', '/v2/', { signal: options.signal });
    return client;
  } catch (error) {
    client.close();
    if (error instanceof Error && 'cause' in error && error.cause instanceof Error && isNoTls(error.cause)) return open(plain);
    throw error;
  }
}

function isNoTls(error: Error): boolean {
  // Some servers hang up on a TLS greeting instead of answering it.
  return speaksPlainHttp(error) || ('code' in error && error.code === 'ECONNRESET');
}

class Client implements RegistryClient {
  readonly label: string;
  readonly repository: string;
  readonly #origin: Origin;
  readonly #own: HttpAgent | HttpsAgent;
  readonly #elsewhere: { http: HttpAgent; https: HttpsAgent };
  readonly #login: ReturnType<typeof openLogin>;
  readonly #errors: LineErrors;

  constructor(origin: Origin, repository: string, access: RegistryAccess, clock: Clock, scopes: string[]) {
    const { label } = origin;
    this.label = label;
    this.repository = repository;
    this.#origin = origin;
    // A proxy elsewhere knows nothing of this computer.
    const proxyEnv = isLoopback(hostOf(origin.url)) ? undefined : (access.proxies ?? proxiesOfEnvironment());
    const keep = { keepAlive: true, maxSockets: MAX_REGISTRY_SOCKETS, ...(proxyEnv && { proxyEnv }) };
    const tls = { minVersion: 'TLSv1.2' as const, ca: authorities(access.ca) };
    this.#own = origin.url.protocol === 'https:' ? new HttpsAgent({ ...keep, ...tls, ...access.client }) : new HttpAgent(keep);
    const lookup = guardedLookup(origin);
    this.#elsewhere = { http: new HttpAgent({ ...keep, lookup }), https: new HttpsAgent({ ...keep, ...tls, lookup }) };
    this.#errors = {
      line: (error, connected) => lineError(label, error, connected),
      unreachable: (found) => unreachable(label, found),
      interrupted: (found) => interrupted(label, found),
      tooSlow: (rate) => tooSlow(label, rate),
      tooLong: (maxBytes) => wrongAnswer(label, `at most ${maxBytes} bytes`, 'a longer answer'),
    };
    this.#login = openLogin({
      origin,
      clock,
      authHost: access.authHost,
      scopes,
      credentials: () => credentialsFor(label, origin.url, access),
      ask: (method, address, { headers, body }) => this.#redirected(method, address, { headers, ...(body && { body }) }),
    });
  }

  async request(method: string, address: string, options: WireRequest = {}): Promise<Answer> {
    return this.#loggedIn(address, (headers) => this.#redirected(method, address, { ...options, headers: { ...options.headers, ...headers } }));
  }

  async open(address: string, { headers, signal }: { headers?: Record<string, string>; signal: AbortSignal }) {
    let body: IncomingMessage | undefined;
    const takes = (response: IncomingMessage) => {
      const whole = response.statusCode === 200 || response.statusCode === 206;
      if (whole) body = response;
      return whole;
    };
    const answer = await this.#loggedIn(address, (login) => this.#redirected('GET', address, { headers: { ...headers, ...login }, signal }, takes));
    return { answer, body };
  }

  accept(answer: Answer): void {
    if (answer.status >= 300) throw refusal(this.label, answer, this.#login.offered);
    const encoding = answer.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') throw this.wrongAnswer('what was asked for as it is', `it packed as ${encoding}`);
  }

  follow(location: string): string {
    const place = placeOf(this.#origin, location);
    return 'path' in place ? place.path : place.elsewhere.href;
  }

  wrongAnswer(expected: string, found: string): Error {
    return wrongAnswer(this.label, expected, found);
  }

  interrupted(found: string): Error {
    return interrupted(this.label, found);
  }

  close(): void {
    for (const agent of [this.#own, this.#elsewhere.http, this.#elsewhere.https]) agent.destroy();
  }

  /** Asks again after a 401 where it says how to log in. Elsewhere nobody is shown who we are. */
  async #loggedIn(address: string, ask: (headers: Record<string, string>) => Promise<Answer>): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      const authorization = address.startsWith('/') ? await this.#login.header() : undefined;
      const answer = await ask(authorization === undefined ? {} : { authorization });
      if (answer.status !== 401 || !address.startsWith('/') || tries >= MAX_LOGINS || !(await this.#login.answer(answer))) return answer;
    }
  }

  /** Reading is redirected, as to the storage behind a registry; the login stays behind. */
  async #redirected(method: string, address: string, options: WireRequest, takes?: (response: IncomingMessage) => boolean): Promise<Answer> {
    let at = address;
    let headers = options.headers;
    for (let hops = 0; ; hops++) {
      const answer = await this.#once(method, at, { ...options, ...(headers && { headers }) }, takes);
      const { location } = answer.headers;
      const moved = (method === 'GET' || method === 'HEAD') && [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!moved) return answer;
      if (hops >= MAX_REDIRECTS) throw this.wrongAnswer(`at most ${MAX_REDIRECTS} redirects`, 'more');
      at = this.#next(at, location);
      if (!at.startsWith('/')) headers = withoutLogin(headers);
    }
  }

  /** A redirect is relative to where it was given, and judged as seen from the registry. */
  #next(at: string, location: string): string {
    const from = new URL(at, this.#origin.url);
    const url = URL.parse(location, from.href);
    if (!url) throw this.wrongAnswer('an address to be redirected to', location);
    return this.follow(url.href);
  }

  async #once(method: string, address: string, options: WireRequest, takes?: (response: IncomingMessage) => boolean): Promise<Answer> {
    const { signal } = options;
    if (signal?.aborted) throw abortError();
    const url = new URL(address, this.#origin.url);
    const isOwn = url.origin === this.#origin.url.origin;
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'edgewright', ...options.headers };
    const asked = { ...options, method, path: `${url.pathname}${url.search}`, headers, errors: this.#errors, takes };
    const to = { host: hostOf(url), port: url.port === '' ? undefined : Number(url.port) };
    const attempt = () =>
      url.protocol === 'https:'
        ? exchange({ secure: true, options: { ...to, agent: isOwn ? this.#own : this.#elsewhere.https } }, asked)
        : exchange({ secure: false, options: { ...to, agent: isOwn ? this.#own : this.#elsewhere.http } }, asked);
    const first = await attempt();
    if (!('error' in first)) return first;
    // A connection that had idled too long was closed as it was taken up again: it is no failure of the line.
    const again = first.reused && !options.once && !(options.body && 'open' in options.body);
    if (!again) throw first.error;
    const second = await attempt();
    if ('error' in second) throw second.error;
    return second;
  }
}

function withoutLogin(headers: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

/** What a person gave for this registry; else what Docker keeps, which is never sent in the clear over a network. */
async function credentialsFor(label: string, url: URL, { login, dockerConfig }: RegistryAccess): Promise<Credentials | undefined> {
  if (login) return login;
  if (url.protocol === 'http:' && !isLoopback(hostOf(url))) return undefined;
  return dockerCredentials(label, dockerConfig);
}
