/**
 * Making a bundle that others signed one of this workspace's: it adds its own signature, so that devices, which know only
 * their workspace's key, take it. What it says holds only as long as one of the signers it was accepted from is trusted.
 */
import type { BundleRecord, VariantRecord } from './catalogue.ts';
import { commitBundle, type RegistryParts } from './commit.ts';
import { bundleName, reconcile } from './describe.ts';
import { MAX_MANIFEST_BYTES } from './limits.ts';
import { signVariant } from './manifest.ts';
import { type Descriptor, type Document, MANIFEST_TYPE, parseManifest } from './oci.ts';
import { layerFiles } from './variant.ts';

/** Whether this workspace's own signature is on a variant, and counts. */
export function isOwn({ signatures }: Pick<VariantRecord, 'signatures'>): boolean {
  return signatures.some(({ by }) => by?.kind === 'self');
}

/**
 * Signs every variant that has no signature of this workspace. The caller has read every byte of it.
 * @param decision sign whatever others signed or not, because a person decided so; otherwise only on the word of trusted signers
 * @throws what committing throws; then nothing was signed
 */
export async function acceptBundle(parts: RegistryParts, id: { name: string; version: string }, decision: boolean): Promise<void> {
  const { store, catalogue, trust } = parts;
  await store.exclusively(async () => {
    const entries = await reconcile(store, catalogue, trust.anchors());
    const record = catalogue.find(id.name, id.version);
    const descriptor = entries.find((entry) => isOf(entry, id));
    if (!record || !descriptor) return;
    const made = await signaturesFor(parts, record, decision);
    if (made.added.length === 0) return;
    await commitBundle(parts, {
      entries: entries.filter((entry) => !made.replaced.includes(entry.digest)),
      index: { bytes: await store.read(record.digest, MAX_MANIFEST_BYTES), descriptor },
      files: [],
      documents: made.documents,
      signatures: made.added,
      replaced: [],
      facts: record.facts,
    });
  });
}

interface Made {
  documents: Document[];
  added: Descriptor[];
  /** Own signatures that no longer count, whose place the new ones take. */
  replaced: string[];
}

async function signaturesFor({ keyring }: RegistryParts, record: BundleRecord, decision: boolean): Promise<Made> {
  const made: Made = { documents: [], added: [], replaced: [] };
  for (const variant of record.variants) {
    if (isOwn(variant)) continue;
    const signers = [...new Set(variant.signatures.flatMap(({ by }) => (by ? [by.anchor] : [])))];
    if (signers.length === 0 && !decision) continue;
    const manifest = { mediaType: MANIFEST_TYPE, digest: variant.variant.digest, size: variant.manifest.length };
    const files = [...layerFiles(parseManifest(variant.manifest)).values()];
    const signature = await signVariant(keyring, manifest, `${record.name}@${record.version}`, files, Date.now(), decision ? [] : signers);
    made.documents.push(...signature.all);
    made.added.push(signature.descriptor);
    made.replaced.push(...variant.signatures.filter(({ problem }) => problem?.code === 'trust.signer-removed').map((one) => one.digest));
  }
  return made;
}

function isOf(entry: Descriptor, id: { name: string; version: string }): boolean {
  const named = bundleName(entry);
  return named?.name === id.name && named.version === id.version;
}
