/**
 * How we show a registry who we are: Basic (RFC 7617), or a token of the server it names (Docker's token specification, as
 * every registry has it). A password goes to the registry itself, and to a token server only where that is the registry's own
 * host, one known to belong to it, or one a person named; over TLS, or on loopback, or where plain HTTP was asked for.
 */
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { type Clock, hostOf } from '#core/platform';
import { MAX_SECRET_LENGTH, MAX_TOKEN_ANSWER_BYTES, MAX_TOKEN_LIVES_MS, TOKEN_EARLY_MS, TOKEN_LIVES_MS } from '../limits.ts';
import type { Answer } from '../wire/exchange.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credentials } from './docker-config.ts';
import { type Origin, placeOf } from './places.ts';
import { refusal, wrongAnswer } from './registry-errors.ts';

/** Token servers on another host than their registry's that are known to be theirs. */
const KNOWN_TOKEN_HOSTS: ReadonlyMap<string, string> = new Map([
  ['registry-1.docker.io', 'auth.docker.io'],
  ['registry.gitlab.com', 'gitlab.com'],
]);

/** Characters a token may have (RFC 6750 b64token); a line break would be a header of its own. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const TokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional(), expires_in: z.number().optional() });

export interface LoginOptions {
  origin: Origin;
  clock: Clock;
  /** Looked up when a registry first asks for them. */
  credentials: () => Promise<Credentials | undefined>;
  /** A host that a person says may be given the password for tokens. */
  authHost?: string | undefined;
  /** `repository:digits:pull,push`; more may follow for what is mounted. */
  scopes: string[];
  /** One request outside the registry's own login. @param address absolute URL, or path on the registry */
  ask(method: string, address: string, options: { headers: Record<string, string>; body?: Uint8Array }): Promise<Answer>;
}

export interface Login {
  /** The Authorization header for the next request to the registry; a token that has ended is renewed first. */
  header(): Promise<string | undefined>;
  /** A user and a password, or a token for them, were shown to the registry. */
  readonly offered: boolean;
  /** Reads what a 401 asks for. @returns whether the request is worth another try */
  answer(refused: Answer): Promise<boolean>;
}

export function openLogin(options: LoginOptions): Login {
  const { origin, clock } = options;
  let authorization: { value: string; until: number } | undefined;
  /** What the registry last asked for a token with, so that one that has ended is renewed before it is refused. */
  let asked: Challenge | undefined;
  let fetching: Promise<{ value: string; until: number }> | undefined;
  let known: Promise<Credentials | undefined> | undefined;
  const credentials = () => (known ??= options.credentials());

  async function fetchToken(challenge: Challenge): Promise<{ value: string; until: number }> {
    const realm = challenge.parameters.get('realm') ?? '';
    const place = placeOf(origin, realm);
    const url = 'path' in place ? new URL(place.path, origin.url) : place.elsewhere;
    const given = await credentials();
    if (given && !mayHavePassword(url)) throw tokenElsewhere(origin.label, url);
    const service = challenge.parameters.get('service');
    const scope = options.scopes.length > 0 ? options.scopes : [challenge.parameters.get('scope') ?? ''];
    const answer =
      given && 'identityToken' in given ? await exchangeIdentity(url, given.identityToken, service, scope) : await askToken(url, given, service, scope);
    if (answer.status >= 300) throw refusal(origin.label, answer);
    if (answer.body.length > MAX_TOKEN_ANSWER_BYTES) throw wrongAnswer(origin.label, 'a token', 'a longer answer');
    const { token, access_token: other, expires_in: seconds } = parseToken(answer.body);
    const value = token ?? other ?? '';
    if (value.length > MAX_SECRET_LENGTH || !TOKEN.test(value)) throw wrongAnswer(origin.label, 'a token', 'something else');
    const livesMs = Math.min(Math.max((seconds ?? 0) * 1000, TOKEN_LIVES_MS), MAX_TOKEN_LIVES_MS);
    return { value: `Bearer ${value}`, until: clock.monotonic() + livesMs - TOKEN_EARLY_MS };
  }

  function askToken(url: URL, given: { user: string; password: string } | undefined, service: string | undefined, scopes: readonly string[]): Promise<Answer> {
    const to = new URL(url);
    if (service !== undefined) to.searchParams.set('service', service);
    for (const scope of scopes) if (scope !== '') to.searchParams.append('scope', scope);
    if (given) to.searchParams.set('account', given.user);
    return options.ask('GET', addressOf(to), { headers: given ? { authorization: basic(given) } : {} });
  }

  /** A long-lived token in the place of a password (OAuth 2 refresh token). */
  function exchangeIdentity(url: URL, identityToken: string, service: string | undefined, scopes: readonly string[]): Promise<Answer> {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'edgewright', refresh_token: identityToken, scope: scopes.join(' ') });
    if (service !== undefined) form.set('service', service);
    return options.ask('POST', addressOf(url), { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from(form.toString()) });
  }

  function addressOf(url: URL): string {
    return url.origin === origin.url.origin ? `${url.pathname}${url.search}` : url.href;
  }

  function mayHavePassword(url: URL): boolean {
    const host = hostOf(url);
    return host === hostOf(origin.url) || host === KNOWN_TOKEN_HOSTS.get(hostOf(origin.url)) || host === options.authHost;
  }

  function parseToken(body: Buffer): z.infer<typeof TokenSchema> {
    try {
      return TokenSchema.parse(JSON.parse(body.toString('utf8')));
    } catch {
      throw wrongAnswer(origin.label, 'a token', 'something else');
    }
  }

  /** Several requests at once need one token only. */
  function renew(challenge: Challenge): Promise<{ value: string; until: number }> {
    fetching ??= fetchToken(challenge).finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  let offered = false;
  return {
    get offered() {
      return offered;
    },
    async header() {
      if (asked && authorization && clock.monotonic() >= authorization.until) authorization = await renew(asked);
      return authorization?.value;
    },
    async answer(refused) {
      const challenges = parseChallenges(String(refused.headers['www-authenticate'] ?? ''));
      const bearer = challenges.find((one) => one.scheme === 'bearer' && one.parameters.has('realm'));
      if (bearer) {
        asked = bearer;
        authorization = await renew(bearer);
        offered ||= (await credentials()) !== undefined;
        return true;
      }
      const given = challenges.some((one) => one.scheme === 'basic') ? await credentials() : undefined;
      // What was refused once is not offered again.
      if (!given || 'identityToken' in given || authorization?.value === basic(given)) return false;
      authorization = { value: basic(given), until: Number.POSITIVE_INFINITY };
      offered = true;
      return true;
    },
  };
}

function basic({ user, password }: { user: string; password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function tokenElsewhere(label: string, url: URL): EdgewrightError {
  return new EdgewrightError({
    code: 'trust.token-elsewhere',
    message: `The registry ${label} wants the password to be given to another host, ${url.host.slice(0, 253)}. It was not.`,
    expected: 'a token server on the registry’s own host',
    found: url.host.slice(0, 253),
    hint: `If that host belongs to the registry, say --auth-host ${hostOf(url).slice(0, 253)}.`,
    owner: 'trust',
  });
}
