/** What files really take on disk: holes in sparse files take nothing, so a claim of a terabyte costs nobody one. */
import { stat } from 'node:fs/promises';

export async function diskBytes(paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) {
    const info = await stat(path);
    // 512-byte blocks; where the system does not count them there are no sparse files to mistake either.
    bytes += info.blocks > 0 ? Math.min(info.size, info.blocks * 512) : process.platform === 'win32' ? info.size : 0;
  }
  return bytes;
}
