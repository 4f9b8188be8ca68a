/** What of a variant a device gets. */
import type { ClosureEntry, VariantRecord } from './catalogue.ts';
import { MANIFEST_TYPE } from './oci.ts';
import { findReferrers } from './referrers.ts';
import type { BlobStore } from './store.ts';
import { NOT_FOR_DEVICES } from './variant.ts';

const REFERRERS: readonly string[] = ['signature', 'bom', 'attestation'];

/**
 * Its manifest, config and files, without the data that only trials need; and of what refers to it only what counts: a
 * stranger's signature costs the line and is of no use there.
 * @throws what reading the store throws
 */
export async function closureForDevices(store: BlobStore, { variant, closure, signatures, attached }: VariantRecord): Promise<ClosureEntry[]> {
  const left = new Set<string>([...NOT_FOR_DEVICES, ...REFERRERS]);
  const entries = closure.filter(({ role }) => !left.has(role));
  const counting = [...signatures, ...attached].filter(({ by }) => by !== undefined).map(({ digest }) => digest);
  for (const { kind, digest, size, manifest } of await findReferrers(store, variant.digest, counting)) {
    entries.push({ digest, size, role: kind, path: '', mediaType: MANIFEST_TYPE });
    for (const part of [manifest.config, ...manifest.layers])
      entries.push({ digest: part.digest, size: part.size, role: kind, path: '', mediaType: part.mediaType });
  }
  // One blob may be two files; it is sent once.
  return [...new Map(entries.map((entry) => [entry.digest, entry])).values()];
}
