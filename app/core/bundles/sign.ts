/**
 * The way out for a bundle that nobody trusted signed: a person decides, and this workspace signs it. It is read whole and
 * passes what a build passes first; what was altered after somebody trusted signed it cannot be signed away. A bundle that
 * lacks only its bill of materials gets one.
 */
import { join } from 'node:path';
import type { BundleSummary } from '#contract';
import { withReader } from '#core/onnx';
import { acceptBundle } from './accept.ts';
import { isBomAltered } from './attachments.ts';
import { type Admit, candidateOf, checkModel, type CheckOptions, checkRecipe, runAdmit } from './candidate.ts';
import type { BundleRecord, VariantRecord } from './catalogue.ts';
import type { RegistryParts } from './commit.ts';
import { altered, misused } from './errors.ts';
import { parseManifest } from './oci.ts';
import { NO_BOM } from './shown.ts';
import { isStranger } from './signatures.ts';
import { UNVERIFIED } from './standing.ts';
import { withStaging } from './staging.ts';
import { assemble } from './variant.ts';
import { verifyBundle } from './verify.ts';

export interface SignOptions extends CheckOptions {
  admit: Admit;
}

/** @throws bundle.signed-already (usage), bundle.not-to-be-signed (trust), and what the checks of a build throw */
export async function signBundle(parts: RegistryParts, record: BundleRecord, options: SignOptions): Promise<BundleSummary> {
  const { catalogue } = parts;
  const { name, version } = record;
  const found = await verifyBundle(parts, record, options);
  const now = catalogue.find(name, version);
  if (!now) throw misused('usage.unknown-bundle', `${name}@${version} is no longer there.`);
  if (found.ok && found.warnings.some(({ code }) => code === NO_BOM)) {
    await acceptBundle(parts, now, false);
    return summaryOf(parts, now);
  }
  if (found.ok) {
    const by = found.signatures.flatMap((one) => one.name ?? []).join(', ');
    throw misused('bundle.signed-already', `${name}@${version} is signed already, by ${by}, and can be used.`);
  }
  const code = now.stateCode ?? '';
  const curable = code === 'trust.unsigned' || code === UNVERIFIED || isStranger(code) || isBomAltered(code);
  if (now.state !== 'quarantined' || !curable) {
    throw altered('bundle.not-to-be-signed', `${name}@${version} is ${now.state}: ${now.stateReason ?? 'it is damaged'}`, {
      expected: 'a bundle that is whole, and that nobody trusted signed',
      hint: 'Get it again from where it was made.',
    });
  }
  for (const variant of now.variants) await checkVariant(parts, variant, options);
  options.onProgress?.({ step: 'Signing' });
  await acceptBundle(parts, now, true);
  return summaryOf(parts, now);
}

/** @throws bundle.changed (usage) when it is no longer what it was */
function summaryOf({ catalogue }: RegistryParts, { name, version, digest }: BundleRecord): BundleSummary {
  const summary = catalogue.summary(name, version);
  if (summary?.digest !== digest)
    throw misused('bundle.changed', `${name}@${version} was removed or changed by another program meanwhile, and was not signed.`, {
      hint: 'Look at what is there now, then decide again.',
    });
  return summary;
}

async function checkVariant({ store }: RegistryParts, variant: VariantRecord, options: SignOptions): Promise<void> {
  const { source, files, variant: about, materialize } = assemble(store, variant.variant.digest, parseManifest(variant.manifest), variant.source, variant.self);
  await withStaging(store, async ({ folder }) => {
    await materialize(folder, options.signal ? { signal: options.signal } : {});
    const facts = await withReader((reader) => checkModel(reader, join(folder, source.model), source, options));
    if (source.recipe !== undefined) await checkRecipe(folder, [...files.keys()], source.recipe, facts);
    options.onProgress?.({ step: `Loading variant ${about.name} and running its golden set` });
    await runAdmit(options.admit, candidateOf(folder, source, [...files.values()], facts, about.precision), options);
  });
}
