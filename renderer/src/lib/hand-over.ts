/** A file that was chosen or dropped: by its path where the window knows it, else its bytes are copied to the engine first. */
import { type Upload, UPLOAD_PIECE_BYTES } from '#contract';
import { client } from './engine.ts';
import { shell } from './shell.ts';

/** Whether a dropped file can be named by where it lies. */
export function pathOf(file: File): string | undefined {
  const path = shell()?.pathOf(file) ?? '';
  return path === '' ? undefined : path;
}

/** Whether what was dropped is a folder: a browser gives those no bytes. */
export function isFolder(item: DataTransferItem | undefined): boolean {
  return item?.webkitGetAsEntry()?.isDirectory === true;
}

/**
 * Gives `work` the path of the first file, with the others beside it, and takes the copies away afterwards.
 * @param onCopied how much was copied, 0..1
 * @throws DOMException AbortError when `signal` fires while copying
 */
export async function withPath<Result>(
  files: readonly File[],
  work: (path: string) => Promise<Result>,
  { signal, onCopied }: { signal: AbortSignal; onCopied: (share: number) => void },
): Promise<Result> {
  const [first] = files;
  const known = first && pathOf(first);
  if (known !== undefined) return work(known);
  const upload = await client.uploads.begin({ files: files.map((file) => ({ name: file.name, bytes: file.size })) });
  try {
    await copy(files, upload, signal, onCopied);
    return await work(upload.paths[0] ?? '');
  } finally {
    await client.uploads.drop({ id: upload.id }).catch(() => {});
  }
}

async function copy(files: readonly File[], { id }: Upload, signal: AbortSignal, onCopied: (share: number) => void): Promise<void> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  let copied = 0;
  for (const [place, file] of files.entries()) {
    for (let offset = 0; offset < file.size; offset += UPLOAD_PIECE_BYTES) {
      signal.throwIfAborted();
      const piece = file.slice(offset, offset + UPLOAD_PIECE_BYTES);
      await client.uploads.write({ id, file: place, offset, base64: await toBase64(piece) }, { signal });
      copied += piece.size;
      onCopied(copied / total);
    }
  }
}

/** Bytes as base64, without the prefix of a data URL. */
export function toBase64(bytes: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(typeof reader.result === 'string' ? (reader.result.split(',')[1] ?? '') : '');
    reader.onerror = () => reject(reader.error ?? new Error('The file could not be read.'));
    reader.readAsDataURL(bytes);
  });
}
