/**
 * A bundle into a registry: the blobs it lacks, three at a time, then its manifests, what refers to them, and last the index
 * under its tag, so that whoever pulls the tag finds everything. Where a registry does not list what refers to a manifest, the
 * tag that stands in for that list is kept, with whatever others put there.
 */
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { INDEX_TYPE, MAX_MANIFEST_BYTES } from '#core/bundles';
import { sleep } from '#core/platform';
import type { ManifestDocument } from '../documents.ts';
import { FALLBACK_PAUSE_MS, FIRST_CONTACT_MS, HASH_CHUNK_BYTES, MANIFEST_WAIT_MS, MAX_FALLBACK_TRIES, PUSH_LANES, PUT_WHOLE_BYTES } from '../limits.ts';
import type { StoredBlob, StoredManifest } from '../table.ts';
import { type RetryOptions, withRetries } from '../wire/retry.ts';
import { pushBlob, pushManifest, type UploadMemory } from '../wire/push-blob.ts';
import { ACCEPT, fallbackTag, fetchManifest, referrersByApi } from './pull-source.ts';
import type { RegistryClient } from './registry-client.ts';

export interface BundleManifest extends StoredManifest {
  bytes: Buffer;
  document: ManifestDocument;
}

/** A bundle as it lies in the store. */
export interface BundleContent {
  index: BundleManifest;
  /** Variants, then what refers to them; each after what it refers to. */
  manifests: BundleManifest[];
  blobs: (StoredBlob & { path: string })[];
}

export interface PushOptions {
  retries: RetryOptions;
  tag: string;
  memory: UploadMemory;
  /** Repositories of this registry that may have a blob. */
  mountFrom(digest: string): readonly string[];
  /** @param fraction 0..1 of the bytes that are there or on their way */
  onProgress?: ((step: string, fraction: number) => void) | undefined;
}

export interface PushResult {
  /** Digest of the bundle's index. */
  digest: string;
  /** What the tag pointed to before, where that was something else. */
  replaced?: string;
  blobs: number;
  bytesTotal: number;
  /** Bytes that crossed the line. */
  bytesSent: number;
  mounted: number;
  /** How what refers to the variants can be found there. */
  referrers: 'api' | 'tag' | 'none';
}

export async function pushBundle(client: RegistryClient, content: BundleContent, options: PushOptions): Promise<PushResult> {
  const { tag, retries } = options;
  const { repository } = client;
  const before = (await fetchManifest(client, tag, { ...retries, unreachableMs: FIRST_CONTACT_MS }))?.digest;
  const { sent, mounted, total } = await pushBlobs(client, content.blobs, options);
  options.onProgress?.('Sending the manifests', 1);
  let referrers: PushResult['referrers'] = 'none';
  for (const manifest of content.manifests) {
    const answer = (await isThere(client, manifest.digest, retries))
      ? undefined
      : await pushManifest(client, manifest, { ...retries, repository, waitMs: MANIFEST_WAIT_MS });
    const { subject } = manifest.document;
    if (!subject) continue;
    const listed = answer?.headers['oci-subject'] === subject.digest || (await isListed(client, subject.digest, manifest.digest, retries));
    if (!listed) await addToFallback(client, subject.digest, manifest, retries);
    if (referrers !== 'tag') referrers = listed ? 'api' : 'tag';
  }
  await pushManifest(client, content.index, { ...retries, repository, tag, waitMs: MANIFEST_WAIT_MS });
  return {
    digest: content.index.digest,
    ...(before !== undefined && before !== content.index.digest && { replaced: before }),
    blobs: content.blobs.length,
    bytesTotal: total,
    bytesSent: sent,
    mounted,
    referrers,
  };
}

async function pushBlobs(
  client: RegistryClient,
  blobs: BundleContent['blobs'],
  options: PushOptions,
): Promise<{ sent: number; mounted: number; total: number }> {
  const { retries, memory, mountFrom, onProgress } = options;
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  const have = new Map<string, number>();
  let sent = 0;
  let mounted = 0;
  let next = 0;
  // One that fails ends the others too.
  const failed = new AbortController();
  const signal = retries.signal ? AbortSignal.any([retries.signal, failed.signal]) : failed.signal;
  const lane = async (): Promise<void> => {
    for (let blob = blobs[next++]; blob; blob = blobs[next++]) {
      const { digest, size, path } = blob;
      const result = await pushBlob(
        client,
        { digest, size, open: (start, end) => createReadStream(path, { start, end: end - 1, highWaterMark: HASH_CHUNK_BYTES }) },
        {
          ...retries,
          repository: client.repository,
          memory,
          signal,
          mountFrom: mountFrom(digest),
          putWholeBytes: PUT_WHOLE_BYTES,
          onBytes: (bytes) => {
            have.set(digest, bytes);
            const done = [...have.values()].reduce((sum, one) => sum + one, 0);
            onProgress?.(`Sending ${blobs.length} files`, total === 0 ? 1 : done / total);
          },
        },
      );
      sent += result.sentBytes;
      if (result.mounted) mounted += 1;
    }
  };
  const lanes = Array.from({ length: PUSH_LANES }, () =>
    lane().catch((error: unknown) => {
      failed.abort();
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(lanes);
  // The first failure is the reason; the others were ended by it.
  const reasons = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (reasons.length > 0) throw reasons.find((one) => !(one instanceof Error && one.name === 'AbortError')) ?? reasons[0];
  return { sent, mounted, total };
}

async function isThere(client: RegistryClient, digest: string, retries: RetryOptions): Promise<boolean> {
  return withRetries(retries, async () => {
    const answer = await client.request('HEAD', `/v2/${client.repository}/manifests/${digest}`, { headers: ACCEPT, signal: retries.signal });
    if (answer.status !== 404) client.accept(answer);
    return answer.status !== 404;
  });
}

async function isListed(client: RegistryClient, subject: string, digest: string, retries: RetryOptions): Promise<boolean> {
  const listed = await referrersByApi(client, subject, retries);
  return listed?.some((one) => one.digest === digest) ?? false;
}

const FallbackSchema = z.looseObject({ manifests: z.array(z.looseObject({ digest: z.string() })) });

/**
 * Adds an entry to the list that stands in for the referrers API. Somebody else may do so at the same moment, and the API has
 * no way to forbid it: so it is looked again afterwards, and done again where it was lost.
 */
async function addToFallback(client: RegistryClient, subject: string, manifest: BundleManifest, retries: RetryOptions): Promise<void> {
  const tag = fallbackTag(subject);
  const { mediaType, digest, size, document } = manifest;
  const entry = {
    mediaType,
    digest,
    size,
    ...(document.artifactType !== undefined && { artifactType: document.artifactType }),
    annotations: document.annotations,
  };
  for (let tries = 0; tries < MAX_FALLBACK_TRIES; tries++) {
    const found = await fetchManifest(client, tag, retries);
    const manifests = found ? readFallback(client, found.bytes) : [];
    if (manifests.some((one) => one.digest === digest)) return;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [...manifests, entry] }));
    if (bytes.length > MAX_MANIFEST_BYTES) throw client.wrongAnswer('a list of referrers with room for another', `one of ${bytes.length} bytes`);
    await pushManifest(client, { digest: '', mediaType: INDEX_TYPE, bytes }, { ...retries, repository: client.repository, tag });
    const after = await fetchManifest(client, tag, retries);
    if (after && readFallback(client, after.bytes).some((one) => one.digest === digest)) return;
    await sleep(FALLBACK_PAUSE_MS * (1 + Math.random()), retries.signal);
  }
  throw client.wrongAnswer('a list of referrers that keeps what is added', 'one that loses it');
}

/** What others put there stays as it is, whatever it is. */
function readFallback(client: RegistryClient, bytes: Buffer): { digest: string }[] {
  try {
    return FallbackSchema.parse(JSON.parse(bytes.toString('utf8'))).manifests;
  } catch {
    throw client.wrongAnswer('a list of referrers', 'something else under its tag');
  }
}
