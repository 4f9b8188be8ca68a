/** Reading a file piece by piece, the next being read while one is worked on, without making new buffers all the time. */
import type { FileHandle } from 'node:fs/promises';
import { PIECE_BYTES } from './limits.ts';

/**
 * The bytes of a file from `start` to `end` (its end where that is not said), in order. Every piece but the last has `bytes`, so that
 * numbers that fit it are not cut in two. A piece may be used only until the next one is asked for: its memory is used again.
 * @throws AbortError, and what reading throws
 */
export async function* readPieces(
  handle: FileHandle,
  options: { start?: number; end?: number; signal?: AbortSignal | undefined; bytes?: number } = {},
): AsyncGenerator<Buffer, void> {
  const { start = 0, signal, bytes = PIECE_BYTES } = options;
  const end = options.end ?? (await handle.stat()).size;
  const length = Math.max(1, Math.min(bytes, end - start));
  // Not from Node's pool, so that any typed array fits on them.
  const buffers = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(end - start > length ? length : 0)];
  let at = start;
  const next = async (turn: number) => {
    const buffer = buffers[turn % 2] ?? Buffer.alloc(0);
    const wanted = Math.min(buffer.length, end - at);
    let have = 0;
    while (have < wanted) {
      // A file system may give less than it was asked for before the end.
      const { bytesRead } = await handle.read(buffer, have, wanted - have, at + have);
      if (bytesRead === 0) break;
      have += bytesRead;
    }
    at += have;
    return buffer.subarray(0, have);
  };
  let coming = next(0);
  // When the one who reads stops early, nobody asks how the last read ended.
  coming.catch(() => {});
  for (let turn = 1; ; turn++) {
    signal?.throwIfAborted();
    const piece = await coming;
    if (piece.length === 0) return;
    coming = next(turn);
    coming.catch(() => {});
    yield piece;
  }
}
