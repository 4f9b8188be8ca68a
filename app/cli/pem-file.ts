import { readFileBounded, userPath } from '#core/platform';

/** Largest file of certificates or keys, in bytes. */
const MAX_PEM_FILE_BYTES = 256 * 1024;

/** What a file that a person named holds. @throws usage.not-a-file, input.too-large */
export async function readPemFile(path: string): Promise<string> {
  return (await readFileBounded(userPath(path), MAX_PEM_FILE_BYTES)).toString('utf8');
}
