/**
 * One blob over the OCI distribution API (distribution-spec v1.1, "Pushing blobs"): HEAD, POST for an upload address, PATCH in
 * pieces, PUT with the digest; or mounted, or all of it in one request, where it is small or where pieces are refused. After
 * any cut the peer's own Range decides where to go on.
 */
import type { Readable } from 'node:stream';
import { MAX_CHUNK_MINIMUM, MIN_SETTLE_BYTES_PER_SECOND, PIECE_BYTES } from '../limits.ts';
import { parseUploadRange } from '../ranges.ts';
import type { Answer, StreamedBody } from './exchange.ts';
import { type Retry, type RetryOptions, retry, withRetries } from './retry.ts';
import type { Wire } from './wire.ts';

/** A blob that can be read from any byte on. */
export interface BlobSource {
  digest: string;
  size: number;
  /** Bytes `start` up to `end` (exclusive). */
  open(start: number, end: number): Readable;
}

/** Remembers begun uploads, so that they go on after a restart of this program. Keys are digests. */
export interface UploadMemory {
  get(digest: string): string | undefined;
  set(digest: string, location: string): void;
  clear(digest: string): void;
}

export interface UploadOptions extends RetryOptions {
  /** The repository of the OCI paths. */
  repository: string;
  memory: UploadMemory;
  /**
   * Names the digest when the upload begins, so that a device can hold it to that blob's size and give back one begun
   * before. Not for registries: to them it would mean an upload that is whole already.
   */
  announce?: boolean;
  /** The peer has just said that it lacks the blob: the first question is spared. */
  lacking?: boolean;
  /** Repositories of the same registry that may have the blob. */
  mountFrom?: readonly string[];
  pieceBytes?: number;
  /**
   * Largest blob that goes with the POST itself ("Single POST"), in bytes: one round trip instead of three. A peer that
   * does not take it so answers as to any POST, and the pieces follow. Needs `announce`.
   */
  wholeBytes?: number;
  /** Largest blob that goes with the PUT that ends its upload, in bytes. */
  putWholeBytes?: number;
  /**
   * @param have bytes of this blob that the peer has or that are on their way to it; goes back after a cut
   * @param sent bytes that this call has put on the line so far; never goes back
   */
  onBytes?(have: number, sent: number): void;
}

/** How a blob came to be there. `sentBytes` counts what crossed the line in this call, pieces sent twice included. */
export interface UploadResult {
  wasThere: boolean;
  /** Another repository of the same registry had it. */
  mounted?: true;
  sentBytes: number;
}

const BINARY = { 'content-type': 'application/octet-stream' };
/** How registries say that they do not take pieces. */
const NO_PIECES: readonly number[] = [400, 405, 411, 415, 501];

/** The peer no longer knows an upload: begin again. */
class UploadLost extends Error {}
/** The peer takes no pieces: once more, whole. */
class PiecesRefused extends Error {}

/**
 * Sends one blob unless the peer has it. Line failures are tried again until nothing moved for a while; a refusal is
 * thrown at once.
 */
export function pushBlob(wire: Wire, blob: BlobSource, options: UploadOptions): Promise<UploadResult> {
  return new BlobUpload(wire, blob, options).run();
}

interface Begun {
  location: string;
  offset: number;
}

class BlobUpload {
  readonly #wire: Wire;
  readonly #blob: BlobSource;
  readonly #options: UploadOptions;
  readonly #base: string;
  readonly #tries: Retry;
  readonly #mountFrom: string[];
  #sentBytes = 0;
  #best = -1;
  /** A whole upload that the peer refuses by its digest may hold pieces of an older life: once, from nothing. */
  #resumed: boolean;
  #piecesRefused = false;
  #pieceBytes: number;

  constructor(wire: Wire, blob: BlobSource, options: UploadOptions) {
    this.#wire = wire;
    this.#blob = blob;
    this.#options = options;
    this.#base = `/v2/${options.repository}/blobs`;
    this.#tries = retry(options);
    this.#mountFrom = [...(options.mountFrom ?? [])];
    this.#resumed = options.memory.get(blob.digest) !== undefined;
    this.#pieceBytes = options.pieceBytes ?? PIECE_BYTES;
  }

  async run(): Promise<UploadResult> {
    const { memory } = this.#options;
    const { digest, size } = this.#blob;
    let ask = !this.#options.lacking;
    for (;;) {
      try {
        // After any failure it is asked: the answer to the last byte may be what was lost.
        if (ask && (await this.#isThere())) {
          memory.clear(digest);
          this.#options.onBytes?.(size, this.#sentBytes);
          return { wasThere: this.#sentBytes === 0, sentBytes: this.#sentBytes };
        }
        ask = true;
        const begun = await this.#begin();
        if (begun === 'mounted') {
          this.#options.onBytes?.(size, this.#sentBytes);
          return { wasThere: false, mounted: true, sentBytes: this.#sentBytes };
        }
        if (begun !== 'whole') await this.#send(begun);
        return { wasThere: false, sentBytes: this.#sentBytes };
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /** Returns when another try is worth it. */
  async #recover(error: unknown): Promise<void> {
    const { memory } = this.#options;
    const { digest } = this.#blob;
    if (error instanceof PiecesRefused && !this.#piecesRefused) {
      this.#piecesRefused = true;
      memory.clear(digest);
      return;
    }
    if (error instanceof UploadLost) {
      memory.clear(digest);
      return this.#tries.wait(this.#wire.interrupted('it no longer knows the upload'));
    }
    if (this.#resumed && isDigestRefusal(error)) {
      memory.clear(digest);
      this.#resumed = false;
      this.#best = -1;
      return;
    }
    await this.#tries.wait(error);
  }

  async #isThere(): Promise<boolean> {
    const answer = await this.#ask('HEAD', `${this.#base}/${this.#blob.digest}`);
    if (answer.status === 404) return false;
    this.#wire.accept(answer);
    return true;
  }

  /** The upload's address, and how much of it the peer has; or that it has all of it, as a blob. */
  async #begin(): Promise<Begun | 'whole' | 'mounted'> {
    const { memory, announce, wholeBytes = 0 } = this.#options;
    const { digest, size } = this.#blob;
    const known = memory.get(digest);
    if (known !== undefined) {
      const answer = await this.#ask('GET', known);
      if (answer.status < 400) return { location: this.#locationOf(answer) ?? known, offset: this.#offsetOf(answer) };
      memory.clear(digest);
      if (answer.status !== 404) this.#wire.accept(answer);
    }
    if (announce && size > 0 && size <= wholeBytes) {
      const answer = await this.#ask('POST', `${this.#base}/uploads/?digest=${encodeURIComponent(digest)}`, this.#body(0, size), BINARY);
      this.#wire.accept(answer);
      return answer.status === 201 ? 'whole' : this.#begun(answer);
    }
    const from = this.#mountFrom.shift();
    const asked = announce ? { digest } : from === undefined ? undefined : { mount: digest, from };
    const answer = await this.#ask('POST', `${this.#base}/uploads/${asked ? `?${new URLSearchParams(asked).toString()}` : ''}`);
    // Where the other repository is not ours to read, it is sent like any other.
    if (from !== undefined && [400, 401, 403, 404, 405].includes(answer.status)) return this.#begin();
    this.#wire.accept(answer);
    return answer.status === 201 && from !== undefined ? 'mounted' : this.#begun(answer);
  }

  #begun(answer: Answer): Begun {
    const location = this.#locationOf(answer);
    if (location === undefined) throw this.#wire.wrongAnswer('a Location header for the upload', 'none');
    this.#options.memory.set(this.#blob.digest, location);
    const least = Number(answer.headers['oci-chunk-min-length'] ?? 0);
    if (least > this.#pieceBytes && least <= MAX_CHUNK_MINIMUM) this.#pieceBytes = least;
    const offset = this.#offsetOf(answer);
    if (offset > 0) this.#resumed = true;
    return { location, offset };
  }

  async #send({ location, offset }: Begun): Promise<void> {
    const { size } = this.#blob;
    this.#reached(offset);
    if (offset === 0 && size > 0 && (this.#piecesRefused || size <= (this.#options.putWholeBytes ?? 0))) return this.#close(location, this.#body(0, size));
    let at = { location, offset };
    while (at.offset < size) at = await this.#sendPiece(at);
    return this.#close(at.location);
  }

  async #sendPiece({ location, offset }: Begun): Promise<Begun> {
    const end = Math.min(offset + this.#pieceBytes, this.#blob.size);
    const answer = await this.#ask('PATCH', location, this.#body(offset, end), { ...BINARY, 'content-range': `${offset}-${end - 1}` });
    const { range } = answer.headers;
    if (answer.status === 404) throw new UploadLost();
    // The peer has another offset than we think: ask it, as after a cut. Where it cannot say which, begin again.
    if (answer.status === 416 && (range ?? '0-0') === '0-0') throw new UploadLost();
    if (answer.status === 416) throw this.#wire.interrupted('it has another part of the upload than expected');
    if (NO_PIECES.includes(answer.status) && !this.#options.announce && !this.#piecesRefused) throw new PiecesRefused();
    this.#wire.accept(answer);
    const reached = range === undefined || range === `0-${end - 1}` ? end : this.#offsetOf(answer);
    if (reached <= offset) throw this.#wire.interrupted('it kept nothing of a piece');
    const next = this.#locationOf(answer) ?? location;
    this.#options.memory.set(this.#blob.digest, next);
    this.#reached(reached);
    return { location: next, offset: reached };
  }

  async #close(location: string, body?: StreamedBody): Promise<void> {
    const { digest, size } = this.#blob;
    const waitMs = (size / MIN_SETTLE_BYTES_PER_SECOND) * 1000;
    const answer = await this.#ask('PUT', `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`, body, BINARY, waitMs);
    if (answer.status === 404) throw new UploadLost();
    this.#wire.accept(answer);
    this.#options.memory.clear(digest);
  }

  #ask(method: string, address: string, body?: StreamedBody, headers?: Record<string, string>, waitMs = 0): Promise<Answer> {
    return this.#wire.request(method, address, { signal: this.#options.signal, waitMs, ...(body && { body }), ...(headers && { headers }) });
  }

  #body(start: number, end: number): StreamedBody {
    const before = this.#sentBytes;
    return {
      bytes: end - start,
      open: () => this.#blob.open(start, end),
      onBytes: (done) => {
        this.#sentBytes = before + done;
        this.#options.onBytes?.(start + done, this.#sentBytes);
      },
    };
  }

  /** The peer has `offset` bytes safely: only that counts as progress, so an endless loop of resent pieces ends. */
  #reached(offset: number): void {
    if (offset > this.#best) {
      this.#best = offset;
      this.#tries.progress();
    }
    this.#options.onBytes?.(offset, this.#sentBytes);
  }

  #locationOf(answer: Answer): string | undefined {
    const { location } = answer.headers;
    return location === undefined ? undefined : this.#wire.follow(location);
  }

  /** Bytes that the peer has of an upload. */
  #offsetOf(answer: Answer): number {
    const { range } = answer.headers;
    if (range === undefined) return 0;
    const offset = parseUploadRange(String(range));
    if (offset === undefined || offset > this.#blob.size)
      throw this.#wire.wrongAnswer(`a Range within the ${this.#blob.size} bytes of the blob`, String(range));
    return offset;
  }
}

/**
 * Puts a manifest under its digest, or a tag. Small, so it is sent whole each time.
 * @param options.waitMs how long the peer may take over its answer, in ms
 */
export function pushManifest(
  wire: Wire,
  manifest: { digest: string; mediaType: string; bytes: Uint8Array },
  options: RetryOptions & { repository: string; tag?: string; waitMs?: number },
): Promise<Answer> {
  return withRetries(options, async () => {
    const headers = { 'content-type': manifest.mediaType };
    const address = `/v2/${options.repository}/manifests/${options.tag ?? manifest.digest}`;
    const answer = await wire.request('PUT', address, { body: manifest.bytes, headers, signal: options.signal, waitMs: options.waitMs ?? 0 });
    wire.accept(answer);
    return answer;
  });
}

/** OCI's code for content that does not have the digest it was sent under. */
function isDigestRefusal(error: unknown): boolean {
  return error instanceof Error && 'found' in error && error.found === 'DIGEST_INVALID';
}
