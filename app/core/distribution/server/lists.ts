/** Lists of names, in pages: `n` entries after `last`, with a `Link` to the next ones (RFC 5988). */
import { MAX_PAGE } from '../limits.ts';
import { OciError } from '../oci-error.ts';
import type { Repositories } from '../repositories.ts';
import { type Exchange, type Headers, json } from './answer.ts';

export async function listTags(repositories: Repositories, exchange: Exchange, repository: string): Promise<void> {
  if (!(await repositories.knows(repository))) throw new OciError(404, 'NAME_UNKNOWN', 'There is no such repository.');
  const { page, headers } = pageOf(await repositories.tags(repository), exchange.query, `/v2/${repository}/tags/list`);
  json(exchange, 200, { name: repository, tags: page }, headers);
}

/** Not of the specification; Docker's registry has it, and tools list repositories by it. */
export async function listRepositories(repositories: Repositories, exchange: Exchange): Promise<void> {
  const { page, headers } = pageOf(await repositories.names(exchange.query.get('last') ?? ''), exchange.query, '/v2/_catalog');
  json(exchange, 200, { repositories: page }, headers);
}

/** @param names sorted by code point */
function pageOf(names: readonly string[], query: URLSearchParams, path: string): { page: string[]; headers: Headers } {
  const n = query.get('n');
  if (n !== null && !/^\d{1,9}$/.test(n)) throw new OciError(400, 'UNSUPPORTED', 'n is a whole number.');
  const last = query.get('last');
  const rest = last === null ? names : names.filter((name) => name > last);
  const size = Math.min(n === null ? MAX_PAGE : Number(n), MAX_PAGE);
  const page = rest.slice(0, size);
  const end = page.at(-1);
  if (end === undefined || page.length === rest.length) return { page, headers: {} };
  return { page, headers: { link: `<${path}?${new URLSearchParams({ n: String(size), last: end }).toString()}>; rel="next"` } };
}
