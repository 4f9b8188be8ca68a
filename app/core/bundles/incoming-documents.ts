/** The small documents of a bundle that is coming in, each read once, all of them within one bound. */
import { altered, unsound } from './errors.ts';
import { MAX_DOCUMENTS_BYTES, MAX_MANIFEST_BYTES } from './limits.ts';
import type { Descriptor, Document } from './oci.ts';
import { type BundleProvider, fetchDocument } from './provider.ts';

export class IncomingDocuments {
  readonly #provider: BundleProvider;
  readonly #signal: AbortSignal | undefined;
  readonly #read = new Map<string, Document>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(provider: BundleProvider, signal: AbortSignal | undefined) {
    this.#provider = provider;
    this.#signal = signal;
  }

  /** @throws bundle.document-too-large, bundle.too-large, store.*-mismatch, and what the provider throws */
  async read(descriptor: Descriptor, maxBytes = MAX_MANIFEST_BYTES): Promise<Buffer> {
    const { digest, size, mediaType } = descriptor;
    this.checkSize(digest, size);
    const known = this.#read.get(digest);
    if (known) return known.bytes;
    this.#bytes += size;
    if (this.#bytes > MAX_DOCUMENTS_BYTES)
      throw unsound('bundle.too-large', 'The documents of the bundle are too large together.', { expected: `at most ${MAX_DOCUMENTS_BYTES} bytes` });
    const bytes = await fetchDocument(this.#provider, descriptor, maxBytes, this.#signal);
    this.#read.set(digest, { bytes, descriptor: { mediaType, digest, size } });
    return bytes;
  }

  /** One digest has one size, wherever it is listed. @throws bundle.manifest-malformed */
  checkSize(digest: string, size: number): void {
    const before = this.#sizes.get(digest) ?? size;
    if (before !== size)
      throw altered('bundle.manifest-malformed', `${digest} is listed with two sizes.`, { expected: `${before} bytes`, found: `${size} bytes` });
    this.#sizes.set(digest, size);
  }

  /** All that were read, by digest. */
  all(): ReadonlyMap<string, Document> {
    return this.#read;
  }
}
