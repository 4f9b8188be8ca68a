/** What a trial found, written into a variant's bill of materials: the next revision takes the place of the one before. */
import { countingBom } from './attachments.ts';
import type { BomMetric } from './bom.ts';
import { attachBom, bomWithMetric, parseBom } from './bom-referrers.ts';
import { commitBundle, type RegistryParts } from './commit.ts';
import { reconcile } from './describe.ts';
import { splitIndex } from './entries.ts';
import { MAX_BOM_BYTES, MAX_MANIFEST_BYTES } from './limits.ts';
import { bundleIndex } from './manifest.ts';
import { MANIFEST_TYPE, parseIndex } from './oci.ts';
import { parseSource } from './source-schema.ts';

/**
 * Does nothing where the bill says so already, or where there is none that counts.
 * @param variant its name
 */
export async function noteMetric(parts: RegistryParts, id: { name: string; version: string }, variant: string, metric: BomMetric): Promise<void> {
  const { store, catalogue, keyring, trust } = parts;
  await store.exclusively(async () => {
    const entries = await reconcile(store, catalogue, trust.anchors());
    const record = catalogue.find(id.name, id.version);
    const about = record?.variants.find((one) => one.variant.name === variant);
    const bill = about && countingBom(about.attached);
    if (!record || !about || !bill) return;
    const { digest } = about.variant;
    const at = Date.now();
    const { test } = parseSource(about.source.toString('utf8'));
    const document = bomWithMetric(parseBom(await store.read(bill.content, MAX_BOM_BYTES)), metric, test, at);
    if (document === undefined) return;
    const manifest = { mediaType: MANIFEST_TYPE, digest, size: about.manifest.length };
    const made = attachBom(keyring, manifest, `${id.name}@${id.version}#${variant}`, document, at);
    const own = about.attached.filter((one) => one.revision !== undefined && one.by?.kind === 'self');
    const replaced = own.map((one) => one.digest);
    // The bundle's index lists what refers to its variants, and must not list what is gone.
    const before = splitIndex(parseIndex(await store.read(record.digest, MAX_MANIFEST_BYTES)));
    const attached = [...before.attached.filter((entry) => !replaced.includes(entry.digest)), ...made.descriptors];
    await commitBundle(parts, {
      entries: entries.filter((entry) => !replaced.includes(entry.digest)),
      index: bundleIndex(record, before.variants, attached, record.createdAt),
      files: [],
      documents: made.all,
      signatures: made.descriptors,
      replaced: [],
      facts: record.facts,
    });
  });
}
