/** Room on the disk: what strangers send must never fill it up. */
import { freeBytes } from '#core/platform';
import { DISK_MARGIN_BYTES } from '../limits.ts';
import { OciError } from '../oci-error.ts';

/**
 * @param dir the store's folder
 * @param bytes that are to come
 * @throws UNKNOWN with status 507
 */
export async function checkSpace(dir: string, bytes: number): Promise<void> {
  if ((await freeBytes(dir)) - bytes >= DISK_MARGIN_BYTES) return;
  throw new OciError(507, 'UNKNOWN', 'The registry has no room for this.', { detail: { code: 'machine.disk-full' } });
}
