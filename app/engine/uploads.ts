/**
 * Files that a browser window hands over, each upload in a folder of its own under the engine's temporary one. Nothing here
 * judges what is in them: that does whoever is given their paths.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { EdgewrightError, formatBytes, type Upload } from '#contract';
import { freeBytes } from '#core/platform';
import { MAX_UPLOAD_NAME_BYTES, MAX_UPLOADS, UPLOAD_IDLE_MS, UPLOAD_SPARE_BYTES } from './limits.ts';

interface Part {
  path: string;
  handle: FileHandle;
  /** As the window said; no more is taken. */
  bytes: number;
  written: number;
}

interface Held {
  dir: string;
  parts: Part[];
  /** A piece is being written: a second one at the same time is refused. */
  busy: boolean;
  timer: NodeJS.Timeout | undefined;
}

export class Uploads {
  readonly #tempDir: string;
  readonly #held = new Map<string, Held>();

  constructor(tempDir: string) {
    this.#tempDir = tempDir;
  }

  /** @throws usage.too-many-uploads, usage.upload-name; machine.disk-full before anything is written */
  async begin(files: readonly { name: string; bytes: number }[]): Promise<Upload> {
    if (this.#held.size >= MAX_UPLOADS)
      throw misuse('too-many-uploads', 'Too many files are being handed over.', `at most ${MAX_UPLOADS} at once`, 'Wait for one to end.');
    const id = randomUUID();
    const held: Held = { dir: '', parts: [], busy: true, timer: undefined };
    this.#held.set(id, held);
    try {
      await this.#checkRoom(files.reduce((sum, file) => sum + file.bytes, 0));
      held.dir = await mkdtemp(join(this.#tempDir, 'upload-'));
      for (const [i, { name, bytes }] of files.entries()) {
        const path = join(held.dir, plainFileName(name, i));
        held.parts.push({ path, handle: await openNew(path), bytes, written: 0 });
      }
    } catch (error) {
      await this.drop(id);
      throw error;
    }
    await this.#rest(id, held);
    return { id, paths: held.parts.map((part) => part.path) };
  }

  /** @throws usage.unknown-upload, usage.upload-piece */
  async write(request: { id: string; file: number; offset: number; base64: string }): Promise<{ bytes: number }> {
    const held = this.#held.get(request.id);
    const part = held?.parts[request.file];
    if (!held || !part) throw misuse('unknown-upload', 'There is no such upload.', 'one that was begun', 'Choose the file again.');
    const piece = Buffer.from(request.base64, 'base64');
    if (held.busy || request.offset !== part.written || part.written + piece.length > part.bytes)
      throw misuse(
        'upload-piece',
        'A piece of the file does not fit.',
        `the ${part.bytes - part.written} bytes from ${part.written} on`,
        'Choose the file again.',
      );
    held.busy = true;
    clearTimeout(held.timer);
    try {
      await part.handle.writeFile(piece);
      part.written += piece.length;
    } catch (error) {
      // How much of the piece is there nobody knows, so nothing can be put behind it.
      await this.drop(request.id);
      throw error;
    }
    await this.#rest(request.id, held);
    return { bytes: part.written };
  }

  /** Removes an upload; one that is gone already is no error. */
  async drop(id: string): Promise<void> {
    const held = this.#held.get(id);
    if (!held) return;
    this.#held.delete(id);
    clearTimeout(held.timer);
    for (const { handle } of held.parts) await handle.close().catch(() => {});
    if (held.dir !== '') await rm(held.dir, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    for (const id of this.#held.keys()) await this.drop(id);
  }

  async #checkRoom(wanted: number): Promise<void> {
    const free = await freeBytes(this.#tempDir);
    if (wanted + UPLOAD_SPARE_BYTES > free) {
      throw new EdgewrightError({
        code: 'machine.disk-full',
        message: 'The files do not fit on this disk beside the ones that are there.',
        expected: `${formatBytes(wanted)} and ${formatBytes(UPLOAD_SPARE_BYTES)} to spare`,
        found: `${formatBytes(free)} free`,
        hint: 'Make room, or give the path of the file instead: then nothing is copied first.',
        owner: 'machine',
      });
    }
  }

  /**
   * Between two pieces: what nobody goes on with, or takes away when it is whole, is removed after a while. Busy until then:
   * a piece that came meanwhile would leave a second clock running.
   */
  async #rest(id: string, held: Held): Promise<void> {
    for (const part of held.parts) if (part.written === part.bytes) await part.handle.close().catch(() => {});
    held.busy = false;
    held.timer = setTimeout(() => void this.drop(id).catch(() => {}), UPLOAD_IDLE_MS);
    held.timer.unref();
  }
}

/** Whether two names are one is for the file system to say, which may know no capitals. */
async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw misuse('upload-name', 'Two of the files have the same name.', 'a name of its own for each', 'Rename one of them, then choose them again.');
  }
}

/** A file's name as it may stand in a folder of ours on any system; weights keep theirs, since the model names them. */
function plainFileName(name: string, place: number): string {
  const isPlain = /^[\p{L}\p{N}_][\p{L}\p{N}_ .()+@-]*$/u.test(name) && !/[. ]$/.test(name);
  if (isPlain && Buffer.byteLength(name) <= MAX_UPLOAD_NAME_BYTES) return name;
  const extension = extname(name);
  return `file-${place + 1}${/^\.[A-Za-z0-9]{1,16}$/.test(extension) ? extension : ''}`;
}

function misuse(code: string, message: string, expected: string, hint: string): EdgewrightError {
  return new EdgewrightError({ code: `usage.${code}`, message, expected, hint, owner: 'usage' });
}
