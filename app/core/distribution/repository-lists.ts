/** What a registry lists, of bundles and of whatever else was pushed, a page at a time: what strangers put there may be many and large. */
import type { openBundleView } from './bundle-view.ts';
import { MAX_PAGE } from './limits.ts';
import type { openTable, Referrer, ReferrerPage, ReferrerQuery } from './table.ts';

type Listed = Pick<Referrer, 'mediaType' | 'digest' | 'size'>;

export function openLists(view: ReturnType<typeof openBundleView>, table: ReturnType<typeof openTable>) {
  /** In the order of their code points, as the specification wants them. */
  async function tags(repository: string): Promise<string[]> {
    const all = new Set([...(await view.repository(repository)).tags.keys(), ...table.tags(repository)]);
    return [...all].sort();
  }

  /** What refers to a manifest, a page at a time. */
  async function referrers(repository: string, subject: string, query: ReferrerQuery): Promise<ReferrerPage> {
    const { entries, more } = table.referrers(repository, subject, query);
    const last = more ? entries.at(-1)?.digest : undefined;
    const own = ((await view.repository(repository)).referrers.get(subject) ?? []).filter(
      ({ digest, artifactType }) => digest > query.after && (last === undefined || digest < last) && (query.type === undefined || artifactType === query.type),
    );
    const all = new Map([...own, ...entries].map((one) => [one.digest, one]));
    return { entries: [...all.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1)), more };
  }

  async function allReferrers(repository: string, subject: string): Promise<Listed[]> {
    const all: Listed[] = [];
    for (let after = '', more = true; more; after = all.at(-1)?.digest ?? '') {
      const page = await referrers(repository, subject, { after });
      all.push(...page.entries.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })));
      more = page.more;
    }
    return all;
  }

  /** Names after `after`, sorted, as many as a page has and one more. */
  async function names(after: string): Promise<string[]> {
    const bundles = (await view.repositories()).filter((name) => name > after);
    return [...new Set([...bundles, ...table.repositories(after, MAX_PAGE + 1)])].sort();
  }

  return { tags, referrers, allReferrers, names };
}
