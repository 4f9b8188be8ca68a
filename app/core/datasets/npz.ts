/** Named arrays in one file (.npz), as `numpy.savez` writes them; a single .npy is read as one array named `arr_0`. */
import { basename } from 'node:path';
import { EdgewrightError } from '#contract';
import { readFileBounded, writeFileAtomic } from '#core/platform';
import { MAX_NPZ_FILE_BYTES } from './limits.ts';
import { readNpy, writeNpy } from './npy.ts';
import type { Tensor } from './tensor.ts';
import { looksLikeZip, readZip, writeZip } from './zip.ts';

/** What numpy calls an array that was given no name. */
export const UNNAMED_ARRAY = 'arr_0';

/**
 * @param source a path, or the bytes of such a file
 * @returns name -> tensor, in the order of the file
 * @throws npz.*, npy.* (input); usage.missing-file
 */
export async function readNpz(source: string | Uint8Array): Promise<Map<string, Tensor>> {
  const file =
    typeof source === 'string' ? await readFileBounded(source, MAX_NPZ_FILE_BYTES) : Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  if (file.length > MAX_NPZ_FILE_BYTES) {
    throw new EdgewrightError({
      code: 'npz.too-large',
      message: 'The file is too large.',
      expected: `at most ${MAX_NPZ_FILE_BYTES} bytes`,
      found: `${file.length} bytes`,
      owner: 'input',
    });
  }
  if (!looksLikeZip(file)) return new Map([[UNNAMED_ARRAY, readNpy(file, typeof source === 'string' ? basename(source) : 'The file')]]);
  const arrays = new Map<string, Tensor>();
  for (const { name, bytes } of readZip(file)) {
    if (!name.endsWith('.npy')) {
      throw new EdgewrightError({
        code: 'npz.not-an-array',
        message: 'The archive holds a file that is no array.',
        expected: 'only .npy files',
        found: name.slice(0, 200),
        owner: 'input',
      });
    }
    const key = name.slice(0, -'.npy'.length);
    arrays.set(key, readNpy(bytes, `The array ${key}`));
  }
  return arrays;
}

/** The bytes of an .npz; the same arrays give the same bytes. */
export function encodeNpz(arrays: ReadonlyMap<string, Tensor>): Buffer {
  return writeZip([...arrays].map(([name, tensor]) => ({ name: `${name}.npy`, bytes: writeNpy(tensor) })));
}

/** Writes an .npz whole or not at all. */
export async function writeNpz(path: string, arrays: ReadonlyMap<string, Tensor>): Promise<void> {
  await writeFileAtomic(path, encodeNpz(arrays), { mode: 0o644 });
}
