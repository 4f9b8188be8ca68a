/**
 * One blob over the OCI distribution API (distribution-spec v1.1, "Pushing a blob in chunks"): HEAD, POST for an upload
 * address, PATCH in pieces, PUT with the digest; or all of it in the POST, where it is small. After any cut the peer's own Range decides where to go on.
 */
import type { Readable } from 'node:stream';
import { interrupted, wrongAnswer } from './errors.ts';
import { MAX_LOCATION_LENGTH, PIECE_BYTES } from './limits.ts';
import type { Answer, Peer } from './peer.ts';
import { type RetryOptions, retry } from './retry.ts';

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
  /** The repository of the OCI paths: the bundle's name. */
  repository: string;
  memory: UploadMemory;
  /**
   * Names the digest when the upload begins, so that a device can hold it to that blob's size and give back one begun
   * before. Not for registries: to them it would mean an upload that is whole already.
   */
  announce?: boolean;
  /** The peer has just said that it lacks the blob: the first question is spared. */
  lacking?: boolean;
  pieceBytes?: number;
  /**
   * Largest blob that goes with the POST itself ("Single POST"), in bytes: one round trip instead of three. A peer that
   * does not take it so answers as to any POST, and the pieces follow. Needs `announce`.
   */
  wholeBytes?: number;
  /**
   * @param have bytes of this blob that the peer has or that are on their way to it; goes back after a cut
   * @param sent bytes that this call has put on the line so far; never goes back
   */
  onBytes?(have: number, sent: number): void;
}

/** How a blob came to be there. `sentBytes` counts what crossed the line in this call, pieces sent twice included. */
export interface UploadResult {
  wasThere: boolean;
  sentBytes: number;
}

/** The peer no longer knows an upload: begin again. */
class UploadLost extends Error {}

/**
 * Sends one blob unless the peer has it. Line failures are tried again until nothing moved for a while; a refusal is
 * thrown at once.
 */
export async function pushBlob(peer: Peer, blob: BlobSource, options: UploadOptions): Promise<UploadResult> {
  const { memory, signal, repository } = options;
  const tries = retry(options);
  const base = `/v2/${repository}/blobs`;
  let sentBytes = 0;
  let best = -1;
  /** A whole upload that the peer refuses by its digest may hold pieces of an older life: once, from nothing. */
  let resumed = memory.get(blob.digest) !== undefined;

  /** The peer has `offset` bytes safely: only that counts as progress, so an endless loop of resent pieces ends. */
  const reached = (offset: number) => {
    if (offset > best) {
      best = offset;
      tries.progress();
    }
    options.onBytes?.(offset, sentBytes);
  };

  async function isThere(): Promise<boolean> {
    const answer = await peer.request('HEAD', `${base}/${blob.digest}`, { signal });
    if (answer.status === 404) return false;
    peer.accept(answer);
    return true;
  }

  /** Sends it with the POST. undefined: the peer took it; else the address where it waits for the pieces. */
  async function sendWhole(): Promise<{ location: string; offset: number } | undefined> {
    const before = sentBytes;
    const body = {
      bytes: blob.size,
      open: () => blob.open(0, blob.size),
      onBytes: (done: number) => {
        sentBytes = before + done;
        options.onBytes?.(done, sentBytes);
      },
    };
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await peer.request('POST', `${base}/uploads/?digest=${encodeURIComponent(blob.digest)}`, { body, headers, signal });
    peer.accept(answer);
    return answer.status === 201 ? undefined : begun(answer);
  }

  function begun(answer: Answer): { location: string; offset: number } {
    const location = locationOf(peer, answer);
    if (location === undefined) throw wrongAnswer(peer.label, 'a Location header for the upload', 'none');
    memory.set(blob.digest, location);
    const offset = offsetOf(peer, answer, blob.size);
    if (offset > 0) resumed = true;
    return { location, offset };
  }

  /** The upload's address, and how much of it the peer has; undefined: all of it, as a blob. */
  async function begin(): Promise<{ location: string; offset: number } | undefined> {
    const known = memory.get(blob.digest);
    if (known !== undefined) {
      const answer = await peer.request('GET', known, { signal });
      if (answer.status < 400) return { location: locationOf(peer, answer) ?? known, offset: offsetOf(peer, answer, blob.size) };
      memory.clear(blob.digest);
      if (answer.status !== 404) peer.accept(answer);
    }
    if (options.announce && blob.size > 0 && blob.size <= (options.wholeBytes ?? 0)) return sendWhole();
    const answer = await peer.request('POST', `${base}/uploads/${options.announce ? `?digest=${encodeURIComponent(blob.digest)}` : ''}`, { signal });
    peer.accept(answer);
    return begun(answer);
  }

  async function sendPieces(start: { location: string; offset: number }): Promise<void> {
    let { location, offset } = start;
    reached(offset);
    while (offset < blob.size) {
      const from = offset;
      const before = sentBytes;
      const end = Math.min(offset + (options.pieceBytes ?? PIECE_BYTES), blob.size);
      const body = {
        bytes: end - from,
        open: () => blob.open(from, end),
        onBytes: (done: number) => {
          sentBytes = before + done;
          options.onBytes?.(from + done, sentBytes);
        },
      };
      const headers = { 'content-type': 'application/octet-stream', 'content-range': `${from}-${end - 1}` };
      const answer = await peer.request('PATCH', location, { body, headers, signal });
      if (answer.status === 404) throw new UploadLost();
      // The peer has another offset than we think: ask it, as after a cut. Where it cannot say which, begin again.
      if (answer.status === 416 && (answer.headers.range ?? '0-0') === '0-0') throw new UploadLost();
      if (answer.status === 416) throw interrupted(peer.label, 'it has another part of the upload than expected');
      peer.accept(answer);
      const range = answer.headers.range;
      offset = range === undefined || range === `0-${end - 1}` ? end : offsetOf(peer, answer, blob.size);
      if (offset <= from) throw interrupted(peer.label, 'it kept nothing of a piece');
      location = locationOf(peer, answer) ?? location;
      memory.set(blob.digest, location);
      reached(offset);
    }
    const answer = await peer.request('PUT', withDigest(location, blob.digest), { headers: { 'content-type': 'application/octet-stream' }, signal });
    if (answer.status === 404) throw new UploadLost();
    peer.accept(answer);
    memory.clear(blob.digest);
  }

  let ask = !options.lacking;
  for (;;) {
    try {
      // After any failure it is asked: the answer to the last byte may be what was lost.
      if (ask && (await isThere())) {
        memory.clear(blob.digest);
        options.onBytes?.(blob.size, sentBytes);
        return { wasThere: sentBytes === 0, sentBytes };
      }
      ask = true;
      const begunAt = await begin();
      if (begunAt) await sendPieces(begunAt);
      return { wasThere: false, sentBytes };
    } catch (error) {
      if (error instanceof UploadLost) {
        memory.clear(blob.digest);
        await tries.wait(interrupted(peer.label, 'it no longer knows the upload'));
        continue;
      }
      if (resumed && isDigestRefusal(error)) {
        memory.clear(blob.digest);
        resumed = false;
        best = -1;
        continue;
      }
      await tries.wait(error);
    }
  }
}

/** Puts a manifest under its digest. Small, so it is sent whole each time. */
export async function pushManifest(
  peer: Peer,
  manifest: { digest: string; mediaType: string; bytes: Uint8Array },
  options: RetryOptions & { repository: string },
): Promise<void> {
  const tries = retry(options);
  for (;;) {
    try {
      const headers = { 'content-type': manifest.mediaType };
      const answer = await peer.request('PUT', `/v2/${options.repository}/manifests/${manifest.digest}`, {
        body: manifest.bytes,
        headers,
        signal: options.signal,
      });
      peer.accept(answer);
      return;
    } catch (error) {
      await tries.wait(error);
    }
  }
}

/** OCI's code for content that does not have the digest it was sent under. */
function isDigestRefusal(error: unknown): boolean {
  return error instanceof Error && 'found' in error && error.found === 'DIGEST_INVALID';
}

/** A Location as a path on this same peer; one that points elsewhere is not followed. */
function locationOf(peer: Peer, answer: Answer): string | undefined {
  const location = answer.headers.location;
  if (location === undefined) return undefined;
  if (location.length > MAX_LOCATION_LENGTH || !location.startsWith('/') || location.startsWith('//')) {
    throw wrongAnswer(peer.label, 'an upload address on the device itself', location);
  }
  return location;
}

/**
 * Bytes that the peer has of an upload, from `Range: 0-<last byte>`. The form cannot tell nothing from one byte
 * (`0-0`): read as nothing.
 */
function offsetOf(peer: Peer, answer: Answer, size: number): number {
  const range = answer.headers.range;
  if (range === undefined) return 0;
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(String(range));
  const last = Number(match?.[1]);
  if (!match || (last > 0 && last >= size)) throw wrongAnswer(peer.label, `a Range within the ${size} bytes of the blob`, String(range));
  return last === 0 ? 0 : last + 1;
}

function withDigest(location: string, digest: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}
