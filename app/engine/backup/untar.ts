/** Reads a tar archive from a stream, in order and in constant memory: what comes is either what is expected, or the end. */
import { readTarHeader, TAR_BLOCK, tarPadding } from '#core/bundles';
import { MAX_BACKUP_PAX_BYTES } from '../limits.ts';
import { malformedBackup } from './errors.ts';

export interface TarFile {
  name: string;
  /** Bytes. */
  size: number;
}

export class Untar {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);
  /** Bytes of the file under way that nobody has read yet, and the zeros after it. */
  #left = 0;
  #padding = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next file; undefined at the end, which must be marked and the last. Whatever was left of the one before is refused. */
  async next(): Promise<TarFile | undefined> {
    if (this.#left > 0) throw malformedBackup('a file in it was not read');
    await this.#skip(this.#padding);
    this.#padding = 0;
    let size: number | undefined;
    for (;;) {
      const header = readTarHeader(await this.#exactly(TAR_BLOCK));
      if (!header) return this.#end();
      if (header.type === 'x') {
        if (header.size > MAX_BACKUP_PAX_BYTES) throw malformedBackup('a header is too large');
        size = Number(/ size=(\d{1,15})\n$/.exec((await this.#exactly(header.size)).toString('latin1'))?.[1] ?? Number.NaN);
        if (!Number.isSafeInteger(size)) throw malformedBackup('a header is wrong');
        await this.#skip(tarPadding(header.size));
        continue;
      }
      if (header.type !== '0') throw malformedBackup('it holds something else than files');
      this.#left = size ?? header.size;
      this.#padding = tarPadding(this.#left);
      return { name: header.name, size: this.#left };
    }
  }

  /** The content of the file that `next` gave. */
  async *content(): AsyncGenerator<Buffer, void> {
    while (this.#left > 0) {
      if (this.#held.length === 0) await this.#more();
      const piece = this.#held.subarray(0, this.#left);
      this.#held = this.#held.subarray(piece.length);
      this.#left -= piece.length;
      yield piece;
    }
  }

  /** Two blocks of zeros, and nothing after them: then the encryption's own end was seen too. */
  async #end(): Promise<undefined> {
    if ((await this.#exactly(TAR_BLOCK)).some((byte) => byte !== 0)) throw malformedBackup('its end is malformed');
    if (this.#held.length > 0) throw malformedBackup('something follows its end');
    for (let next = await this.#source.next(); !next.done; next = await this.#source.next()) {
      if (next.value.length > 0) throw malformedBackup('something follows its end');
    }
    return undefined;
  }

  async #skip(bytes: number): Promise<void> {
    if (bytes > 0) await this.#exactly(bytes);
  }

  async #exactly(bytes: number): Promise<Buffer> {
    while (this.#held.length < bytes) await this.#more();
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  async #more(): Promise<void> {
    const next = await this.#source.next();
    if (next.done) throw malformedBackup('it ends too early');
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
  }
}
