/** Unfolding gzip, never beyond a bound. */
import { createWriteStream } from 'node:fs';
import { type FileHandle, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { asEdgewrightError } from '#contract';
import { unsound } from '../errors.ts';
import { COPY_CHUNK_BYTES } from '../limits.ts';

/**
 * @param target a file that does not exist yet; it is gone again when this fails
 * @throws archive.unfolds-too-far, archive.malformed (input)
 */
export async function gunzipBounded(source: FileHandle, target: string, maxBytes: number, signal: AbortSignal | undefined): Promise<void> {
  let bytes = 0;
  async function* bounded(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw unsound('archive.unfolds-too-far', 'The gzipped archive unfolds to more than it may.', {
          expected: `at most ${maxBytes} bytes`,
          hint: 'Unpack it yourself if you trust it, and import the tar file.',
        });
      yield chunk;
    }
  }
  try {
    await pipeline(
      source.createReadStream({ autoClose: false, start: 0, highWaterMark: COPY_CHUNK_BYTES }),
      createGunzip({ chunkSize: COPY_CHUNK_BYTES }),
      bounded,
      createWriteStream(target, { flags: 'wx', mode: 0o600 }),
      signal ? { signal } : {},
    );
  } catch (error) {
    await rm(target, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('Z_'))
      throw unsound('archive.malformed', 'The gzipped archive is damaged or cut off.', { hint: 'Copy or export it again.', cause: error });
    throw asEdgewrightError(error);
  }
}
