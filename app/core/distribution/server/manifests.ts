/** Manifests by tag and digest, and what refers to them. */
import { INDEX_TYPE, MAX_MANIFEST_BYTES } from '#core/bundles';
import { MAX_REFERRERS_BYTES } from '../limits.ts';
import { isDigest, isTag } from '../names.ts';
import { OciError } from '../oci-error.ts';
import type { Repositories } from '../repositories.ts';
import type { Referrer } from '../table.ts';
import { bytes, empty, type Exchange, type Headers, json } from './answer.ts';
import { readBody } from './body.ts';
import { checkSpace } from './space.ts';
import { admitBundles, type BundleDoor, removeReference } from './bundle-door.ts';

/** What manifests are put into. */
export interface Registry {
  repositories: Repositories;
  door: BundleDoor;
}

export async function getManifest(repositories: Repositories, exchange: Exchange, repository: string, reference: string | undefined): Promise<void> {
  const manifest = reference === undefined ? undefined : await repositories.manifest(repository, reference);
  if (!manifest) throw await manifestUnknown(repositories, repository);
  const headers = { 'content-type': manifest.mediaType, 'docker-content-digest': manifest.digest, etag: `"${manifest.digest}"` };
  if (exchange.request.method === 'HEAD') return empty(exchange.response, 200, { ...headers, 'content-length': manifest.size });
  bytes(exchange, 200, await repositories.readManifest(manifest), headers);
}

/** PUT. Further tags may be named in the query (`tag`), and are answered in `OCI-Tag`. */
export async function putManifest({ repositories, door }: Registry, exchange: Exchange, repository: string, reference: string): Promise<void> {
  const { request, response, query } = exchange;
  if (!isTag(reference) && !isDigest(reference)) {
    // A colon can only be meant as a digest.
    if (reference.includes(':')) throw new OciError(400, 'DIGEST_INVALID', 'A digest reads sha256: or sha512: and its hex digits.');
    throw new OciError(400, 'MANIFEST_INVALID', 'A manifest is named by a tag or a digest.');
  }
  const more = query.getAll('tag');
  if (more.length > 0 && (isTag(reference) || !more.every(isTag)))
    throw new OciError(400, 'MANIFEST_INVALID', 'Tags may be named where the manifest is put by its digest.');
  const body = await readBody(request, MAX_MANIFEST_BYTES);
  await checkSpace(repositories.dir, body.length);
  const put = await repositories.putManifest(repository, reference, body, request.headers['content-type'], more);
  await admitBundles(repositories, door, repository, put);
  const { digest, subject } = put;
  const headers: Headers = {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject !== undefined && { 'oci-subject': subject }),
    ...(more.length > 0 && { 'oci-tag': more.join(', ') }),
  };
  empty(response, 201, headers);
}

export async function deleteManifest(
  { repositories, door }: Registry,
  { response }: Exchange,
  repository: string,
  reference: string | undefined,
): Promise<void> {
  const gone = reference !== undefined && (await removeReference(repositories, door, repository, reference));
  if (!gone) throw await manifestUnknown(repositories, repository);
  empty(response, 202);
}

async function manifestUnknown(repositories: Repositories, repository: string): Promise<OciError> {
  return (await repositories.knows(repository))
    ? new OciError(404, 'MANIFEST_UNKNOWN', 'The repository has no such manifest.')
    : new OciError(404, 'NAME_UNKNOWN', 'There is no such repository.');
}

/** What refers to a digest, which itself need not be there. A list too long for one answer goes on by `Link`. */
export async function listReferrers(repositories: Repositories, exchange: Exchange, repository: string, digest: string): Promise<void> {
  if (!isDigest(digest)) throw new OciError(400, 'DIGEST_INVALID', 'Referrers are listed by the digest of what they refer to.');
  const type = exchange.query.get('artifactType');
  const after = exchange.query.get('last') ?? '';
  const { entries, more } = await repositories.referrers(repository, digest, { after, ...(type !== null && { type }) });
  const page: object[] = [];
  let size = 0;
  for (const one of entries) {
    const entry = {
      mediaType: one.mediaType,
      digest: one.digest,
      size: one.size,
      ...(one.artifactType !== undefined && { artifactType: one.artifactType }),
      ...annotationsOf(one),
    };
    size += Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (size > MAX_REFERRERS_BYTES && page.length > 0) break;
    page.push(entry);
  }
  const next = entries[page.length - 1];
  const query = new URLSearchParams({ ...(type !== null && { artifactType: type }), last: next?.digest ?? '' });
  const link: Headers = more || page.length < entries.length ? { link: `</v2/${repository}/referrers/${digest}?${query.toString()}>; rel="next"` } : {};
  const filtered: Headers = type === null ? {} : { 'oci-filters-applied': 'artifactType' };
  json(exchange, 200, { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: page }, { 'content-type': INDEX_TYPE, ...link, ...filtered });
}

function annotationsOf({ annotations }: Referrer): { annotations?: Record<string, string> } {
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}
