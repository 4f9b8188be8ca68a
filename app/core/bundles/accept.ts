/**
 * Making a bundle that others signed one of this workspace's: it adds its own signature and its own word on the bill of
 * materials, so that devices, which know only their workspace's key, take it. What its signature says holds only as long as
 * one of the signers it was accepted from is trusted.
 */
import { withReader } from '#core/onnx';
import { countingBom } from './attachments.ts';
import { type Attached, attestBom, makeBom, parseBom } from './bom-referrers.ts';
import type { BundleRecord, VariantRecord } from './catalogue.ts';
import { commitBundle, type RegistryParts } from './commit.ts';
import { inspectVariant, isEntryOf, reconcile } from './describe.ts';
import { MAX_BOM_BYTES, MAX_MANIFEST_BYTES, MAX_TEXT_BYTES } from './limits.ts';
import { signVariant } from './manifest.ts';
import { type Descriptor, type Document, MANIFEST_TYPE, parseManifest } from './oci.ts';
import { taskIn } from './task.ts';
import { assemble, fileNamed, layerFiles } from './variant.ts';

/** Whether this workspace's own signature is on a variant, and counts. */
export function isOwn({ signatures }: Pick<VariantRecord, 'signatures'>): boolean {
  return signatures.some((one) => one.by?.kind === 'self');
}

/** Whether a device of this workspace takes a variant: its own signature is on it, and its own word on a bill of materials. */
export function isReady(variant: Pick<VariantRecord, 'signatures' | 'attached'>): boolean {
  return isOwn(variant) && countingBom(variant.attached)?.by.kind === 'self';
}

/**
 * Signs every variant that has no signature of this workspace, and its bill of materials; makes a bill where none counts.
 * The caller has read every byte of it.
 * @param id with the digest of what was read, where that may no longer be what the name stands for; then nothing is signed
 * @param decision sign whatever others signed or not, because a person decided so; otherwise only on the word of trusted signers
 * @throws what committing throws; then nothing was signed
 */
export async function acceptBundle(parts: RegistryParts, id: { name: string; version: string; digest?: string }, decision: boolean): Promise<void> {
  const { store, catalogue, trust } = parts;
  if (catalogue.trustDigest() === trust.anchors().digest && catalogue.find(id.name, id.version)?.variants.every(isReady)) return;
  await store.exclusively(async () => {
    const entries = await reconcile(store, catalogue, trust.anchors());
    const record = catalogue.find(id.name, id.version);
    const descriptor = entries.find((entry) => isEntryOf(entry, id));
    if (!record || !descriptor || (id.digest !== undefined && id.digest !== record.digest)) return;
    const made = await lackingFor(parts, record, decision);
    if (made.descriptors.length === 0) return;
    await commitBundle(parts, {
      entries: entries.filter((entry) => !made.replaced.includes(entry.digest)),
      index: { bytes: await store.read(record.digest, MAX_MANIFEST_BYTES), descriptor },
      files: [],
      documents: made.all,
      signatures: made.descriptors,
      replaced: [],
      facts: record.facts,
    });
  });
}

interface Made extends Attached {
  /** Own signatures that no longer count, whose place the new ones take. */
  replaced: string[];
}

async function lackingFor(parts: RegistryParts, record: BundleRecord, decision: boolean): Promise<Made> {
  const all: Document[] = [];
  const descriptors: Descriptor[] = [];
  const replaced: string[] = [];
  for (const variant of record.variants) {
    const signers = [...new Set(variant.signatures.flatMap(({ by }) => (by ? [by.anchor] : [])))];
    if (signers.length === 0 && !decision) continue;
    if (!isOwn(variant)) {
      const files = [...layerFiles(parseManifest(variant.manifest)).values()];
      const acceptedFrom = decision ? [] : signers;
      const signature = await signVariant(parts.keyring, manifestOf(variant), `${record.name}@${record.version}`, files, Date.now(), acceptedFrom);
      all.push(...signature.all);
      descriptors.push(signature.descriptor);
      replaced.push(...variant.signatures.filter(({ problem }) => problem?.code === 'trust.signer-removed').map((one) => one.digest));
    }
    const bom = await lackingBom(parts, record, variant);
    all.push(...bom.all);
    descriptors.push(...bom.descriptors);
  }
  return { all, descriptors, replaced };
}

/** The bill that somebody trusted signed is this workspace's too; where none counts, it makes one. */
async function lackingBom({ store, keyring }: RegistryParts, record: BundleRecord, variant: VariantRecord): Promise<Attached> {
  const { digest, name, createdAt } = variant.variant;
  const found = countingBom(variant.attached);
  if (found?.by.kind === 'self') return { all: [], descriptors: [] };
  const manifest = manifestOf(variant);
  if (found) {
    const document = parseBom(await store.read(found.content, MAX_BOM_BYTES));
    return attestBom(keyring, manifest, `${record.name}@${record.version}#${name}`, document, Date.now());
  }
  const { source, files, variant: about } = assemble(store, digest, parseManifest(variant.manifest), variant.source, variant.self);
  const task = await taskIn(source, (path) => store.read(fileNamed(files, path).digest, MAX_TEXT_BYTES));
  const [first] = record.variants;
  // Only what says of itself that it was quantized was made from the first one, as far as is known here.
  const base = first && first !== variant && about.quantization !== undefined ? { variant: first.variant.name, digest: first.variant.digest } : undefined;
  return makeBom(keyring, manifest, {
    source,
    variant: name,
    precision: about.precision,
    quantization: about.quantization,
    at: createdAt,
    revision: 1,
    model: await withReader((reader) => inspectVariant(store, variant, reader)),
    task,
    files: [...files.values()],
    base,
  });
}

function manifestOf({ variant, manifest }: VariantRecord): Descriptor {
  return { mediaType: MANIFEST_TYPE, digest: variant.digest, size: manifest.length };
}
