/**
 * A bundle in a registry, as something to be taken in: what it names is fetched by digest, from any byte on, as often as it
 * takes. That the bytes are right is judged by whoever takes them in; here it is seen that they come, and not for ever.
 */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { DigestSchema, EdgewrightError } from '#contract';
import { type BundleProvider, type Descriptor, digestOf } from '#core/bundles';
import { abortError } from '#core/platform';
import { MANIFEST_TYPES } from '../documents.ts';
import { FIRST_CONTACT_MS, MAX_REFERRER_PAGES, MIN_BYTES_PER_SECOND, RATE_WINDOW_MS } from '../limits.ts';
import type { Answer } from '../wire/exchange.ts';
import { type RetryOptions, retry, withRetries } from '../wire/retry.ts';
import type { RegistryClient } from './registry-client.ts';
import type { RegistryRef } from './reference.ts';
import { lineError, tooSlow } from './registry-errors.ts';

/** Every kind of manifest is asked for as it is: a registry must not turn it into another. */
export const ACCEPT = { accept: MANIFEST_TYPES.join(', ') };

const ListSchema = z.looseObject({ manifests: z.array(z.unknown()) });
const EntrySchema = z.looseObject({ mediaType: z.string().max(255), digest: DigestSchema, size: z.number().int().min(0) });

export interface Fetched {
  bytes: Buffer;
  mediaType: string;
  digest: string;
}

/** A manifest by tag or digest; undefined where there is none. @throws network.*, store.digest-mismatch (trust) */
export async function fetchManifest(client: RegistryClient, reference: string, retries: RetryOptions): Promise<Fetched | undefined> {
  return withRetries(retries, async () => {
    const answer = await client.request('GET', `/v2/${client.repository}/manifests/${reference}`, { headers: ACCEPT, signal: retries.signal });
    if (answer.status === 404) return undefined;
    client.accept(answer);
    const mediaType = typeOf(answer) ?? '';
    if (!mediaType.includes('json')) throw client.wrongAnswer('a manifest', `a document of type ${mediaType || 'unknown'}`);
    const digest = digestOf(answer.body);
    if (reference.startsWith('sha256:') && digest !== reference) {
      throw new EdgewrightError({
        code: 'store.digest-mismatch',
        message: `The registry ${client.label} gave another manifest than was asked for.`,
        expected: reference,
        found: digest,
        owner: 'trust',
      });
    }
    return { bytes: answer.body, mediaType, digest };
  });
}

/** @throws network.registry-not-found, network.*, and what fetchManifest throws */
export async function openPullSource(client: RegistryClient, ref: RegistryRef, retries: RetryOptions): Promise<BundleProvider> {
  const root = await fetchManifest(client, ref.digest ?? ref.tag ?? '', { ...retries, unreachableMs: FIRST_CONTACT_MS });
  if (!root) {
    throw new EdgewrightError({
      code: 'network.registry-not-found',
      message: `The registry ${client.label} has no ${ref.repository}${ref.digest === undefined ? `:${ref.tag ?? ''}` : `@${ref.digest}`}.`,
      hint: 'Check the repository, the tag and the spelling.',
      owner: 'network',
    });
  }
  const index: Descriptor = { mediaType: root.mediaType, digest: root.digest, size: root.bytes.length };
  return {
    index,
    async *fetch(descriptor, { start, signal: stop }) {
      if (descriptor.digest === index.digest) {
        yield root.bytes.subarray(start);
        return;
      }
      if (!MANIFEST_TYPES.includes(descriptor.mediaType)) return yield* fetchBlob(client, descriptor, start, { ...retries, signal: stop });
      const found = await fetchManifest(client, descriptor.digest, { ...retries, signal: stop });
      if (!found) throw client.wrongAnswer(`the manifest ${descriptor.digest}, which its index lists`, 'nothing');
      yield found.bytes.subarray(start);
    },
    referrers: (subject, stop) => listReferrers(client, subject, { ...retries, signal: stop }),
  };
}

/** Goes on after any cut from where it stopped, until nothing came for a while. */
async function* fetchBlob(
  client: RegistryClient,
  blob: Descriptor,
  start: number,
  retries: RetryOptions & { signal: AbortSignal },
): AsyncGenerator<Uint8Array, void> {
  const tries = retry(retries);
  let at = start;
  while (at < blob.size) {
    try {
      for await (const chunk of oneAnswer(client, blob, at, retries.signal)) {
        at += chunk.length;
        tries.progress();
        yield chunk;
      }
      if (at < blob.size) throw client.interrupted(`it ended after ${at} of ${blob.size} bytes`);
    } catch (error) {
      await tries.wait(error);
    }
  }
}

/** What one request gives, from `at` on. */
async function* oneAnswer(client: RegistryClient, blob: Descriptor, at: number, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const { answer, body } = await client.open(`/v2/${client.repository}/blobs/${blob.digest}`, { headers: at > 0 ? { range: `bytes=${at}-` } : {}, signal });
  if (!body) {
    client.accept(answer);
    throw client.wrongAnswer('a blob', `status ${answer.status}`);
  }
  try {
    client.accept(answer);
    const skip = answer.status === 206 ? 0 : at;
    checkPart(client, answer, blob, at);
    yield* skipping(watched(client, body, signal), skip);
  } finally {
    body.destroy();
  }
}

/** What comes must be the part that was asked for, of a blob of the size it is listed with. */
function checkPart(client: RegistryClient, answer: Answer, { size }: Descriptor, at: number): void {
  const { 'content-range': range, 'content-length': length } = answer.headers;
  const [, first, total] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(range ?? '') ?? [];
  if (answer.status === 206 && (Number(first) !== at || (total !== '*' && Number(total) !== size))) {
    throw client.wrongAnswer(`bytes ${at}-${size - 1} of ${size}`, range ?? 'no Content-Range');
  }
  const expected = answer.status === 206 ? size - at : size;
  if (length !== undefined && Number(length) !== expected)
    throw client.wrongAnswer(`${expected} bytes`, `${length} bytes of ${typeOf(answer) ?? 'unknown type'}`);
}

/** A registry that knows no ranges starts from the beginning: what is here already is passed over. */
async function* skipping(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer, void> {
  let left = bytes;
  for await (const chunk of source) {
    if (chunk.length > left) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** The body as it comes, ended when it is cancelled or slower than a line that is really there. */
async function* watched(client: RegistryClient, body: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  let came = 0;
  const onAbort = () => body.destroy(abortError());
  const timer = setInterval(() => {
    if (came < (MIN_BYTES_PER_SECOND * RATE_WINDOW_MS) / 1000) body.destroy(tooSlow(client.label, MIN_BYTES_PER_SECOND));
    came = 0;
  }, RATE_WINDOW_MS);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    for await (const chunk of body as AsyncIterable<Buffer>) {
      came += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw error instanceof Error ? lineError(client.label, error, true) : error;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** What refers to a manifest, by the API, or where a registry has none by the tag that stands in for it. */
export async function listReferrers(client: RegistryClient, subject: string, retries: RetryOptions): Promise<Descriptor[]> {
  const listed = await referrersByApi(client, subject, retries);
  if (listed) return listed;
  const standIn = await fetchManifest(client, fallbackTag(subject), retries);
  return standIn ? entriesOf(standIn.bytes) : [];
}

/** undefined where the registry has no such API. */
export async function referrersByApi(client: RegistryClient, subject: string, retries: RetryOptions): Promise<Descriptor[] | undefined> {
  const all: Descriptor[] = [];
  let address: string | undefined = `/v2/${client.repository}/referrers/${subject}`;
  for (let pages = 0; address !== undefined && pages < MAX_REFERRER_PAGES; pages++) {
    const at: string = address;
    const answer = await withRetries(retries, async () => {
      const page = await client.request('GET', at, { headers: ACCEPT, signal: retries.signal });
      if (page.status !== 404 && page.status !== 400 && page.status !== 405) client.accept(page);
      return page;
    });
    // A server that answers every address with a page has no such API either.
    if (answer.status >= 400 || !(typeOf(answer) ?? '').includes('json')) return pages === 0 ? undefined : all;
    all.push(...entriesOf(answer.body));
    const next = /<([^>]{1,8192})>\s*;\s*rel="?next"?/i.exec(String(answer.headers.link ?? ''))?.[1];
    address = next === undefined ? undefined : client.follow(next);
  }
  return all;
}

/** The tag that stands in for the referrers API (distribution-spec 1.1, "Referrers Tag Schema"). */
export function fallbackTag(subject: string): string {
  const [algorithm = '', hex = ''] = subject.split(':');
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

/** Entries of an index that are understood; a list that is none has none. */
function entriesOf(bytes: Buffer): Descriptor[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return [];
  }
  const list = ListSchema.safeParse(value);
  return (list.success ? list.data.manifests : []).flatMap((entry) => {
    const read = EntrySchema.safeParse(entry);
    return read.success ? [{ mediaType: read.data.mediaType, digest: read.data.digest, size: read.data.size }] : [];
  });
}

function typeOf(answer: Answer): string | undefined {
  return answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}
