/** Where a finished bundle comes from: a file, a registry. Whatever it says and sends is taken for hostile. */
import { EdgewrightError } from '#contract';
import { digestOf } from './digests.ts';
import { altered } from './errors.ts';
import { STALL_MS } from './limits.ts';
import type { Descriptor } from './oci.ts';

export interface BundleProvider {
  /** The OCI index of one `name@version`, or the manifest of a single variant. Only media type, digest and size are believed. */
  index: Descriptor;
  /**
   * The bytes of a manifest or blob from `start` on. It may fail at any byte: what came is kept and asked for again from there
   * by the next try. Retrying within one call is the provider's own affair.
   */
  fetch(descriptor: Descriptor, options: { start: number; signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /** The manifests that refer to this one: signatures, bills of materials. Empty when there are none. */
  referrers(subjectDigest: string, signal: AbortSignal): Promise<Descriptor[]>;
}

/** A whole small document. @throws store.size-mismatch, store.digest-mismatch (owner trust), network.stalled */
export async function fetchDocument(provider: BundleProvider, descriptor: Descriptor, maxBytes: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > maxBytes)
    throw altered('bundle.document-too-large', 'A document of the bundle is too large to be what it should be.', {
      expected: `at most ${maxBytes} bytes`,
      found: `${size} bytes`,
    });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of unlessStalled((stop) => provider.fetch(descriptor, { start: 0, signal: stop }), signal)) {
    length += chunk.length;
    if (length > size) break;
    chunks.push(chunk);
  }
  if (length !== size)
    throw altered('store.size-mismatch', 'A document does not have the size it should have.', {
      expected: `${size} bytes`,
      found: length > size ? `more than ${size} bytes` : `${length} bytes`,
    });
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes) !== digest)
    throw altered('store.digest-mismatch', 'A document is not what its digest says.', { expected: digest, found: digestOf(bytes) });
  return bytes;
}

/** Passes a stream on, and ends it when nothing comes for a while. @throws network.stalled */
export async function* unlessStalled(
  open: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  stallMs = STALL_MS,
): AsyncGenerator<Uint8Array, void> {
  const stop = new AbortController();
  const source = open(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await withinTime(source.next(), stallMs, signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    stop.abort();
    // A source that hangs would hang here too; it was told to stop, and its failing now is nobody's business.
    void Promise.resolve(source.return?.()).catch(() => {});
  }
}

/** What `work` gives, unless it takes too long or is cancelled. @throws network.stalled, AbortError */
export function withinTime<T>(work: Promise<T>, ms: number, signal: AbortSignal | undefined): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal?.reason instanceof Error ? signal.reason : new DOMException('Cancelled.', 'AbortError'));
    const timer = setTimeout(
      () =>
        reject(
          new EdgewrightError({
            code: 'network.stalled',
            message: `The source gave nothing for ${ms / 1000} s.`,
            hint: 'Look at the connection, then run it again: it goes on from there.',
            owner: 'network',
          }),
        ),
      ms,
    );
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    });
  });
}
