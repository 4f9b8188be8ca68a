/** `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`: where something is in a registry. The host is always named: there is no default one. */
import { EdgewrightError } from '#contract';
import { MAX_REF_LENGTH } from '../limits.ts';
import { isDigest, isRepositoryName, isTag } from '../names.ts';

export interface RegistryRef {
  /** As it was written: `localhost:5000`, `ghcr.io`, `[::1]:5000`. */
  host: string;
  repository: string;
  tag?: string | undefined;
  digest?: string | undefined;
}

const HOST =
  /^(?:\[[0-9a-fA-F:.]{2,45}\]|(?=.{1,253}(?::|$))[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)(?::(\d{1,5}))?$/;

/** @throws usage.registry-ref */
export function parseRegistryRef(text: string): RegistryRef {
  const slash = text.indexOf('/');
  const host = text.slice(0, Math.max(slash, 0));
  const rest = text.slice(slash + 1);
  const at = rest.indexOf('@');
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  const named = at < 0 ? rest : rest.slice(0, at);
  const colon = named.indexOf(':');
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const repository = colon < 0 ? named : named.slice(0, colon);
  if (text.length > MAX_REF_LENGTH || !isHost(host)) throw wrong(text, 'a host before the first slash');
  if (!isRepositoryName(repository)) throw wrong(text, 'a repository: lower-case letters, digits and . _ - / between them');
  if (tag !== undefined && !isTag(tag)) throw wrong(text, 'a tag of up to 128 letters, digits and . _ -');
  if (digest !== undefined && !isDigest(digest)) throw wrong(text, 'a sha256 or sha512 digest');
  return { host, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** What only looks like an address of four numbers, or of IPv6, is a host to the pattern and none to a URL. */
function isHost(host: string): boolean {
  const [, port] = HOST.exec(host) ?? ['', '0'];
  return (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)) && URL.canParse(`https://${host}`);
}

export function formatRegistryRef({ host, repository, tag, digest }: RegistryRef): string {
  return `${host}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function wrong(text: string, expected: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.registry-ref',
    message: 'This does not say where in a registry.',
    expected: `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST] with ${expected}`,
    found: text.slice(0, 200),
    hint: 'For example registry.example.com/models/digits:1.0.0',
    owner: 'usage',
  });
}
