/** One bundle in full, as a person or a script asks for it. */
import type { BundleDetail, BundleSummary, VariantBom } from '#contract';
import { describeRecipe, parseLabels, parseRecipe } from '#core/datasets';
import { bomProblem, countingBom } from './attachments.ts';
import type { BundleRecord, VariantRecord } from './catalogue.ts';
import { altered, misused } from './errors.ts';
import { MAX_BOM_BYTES, MAX_LABELS_SHOWN, MAX_TEXT_BYTES } from './limits.ts';
import { NO_BOM, referrersOf, signaturesOf, warningsOf } from './shown.ts';
import type { BlobStore } from './store.ts';
import type { ResolvedBundle } from './variant.ts';

/** @param variant the one that is shown; undefined when the bundle has none that can be read */
export async function showBundle(store: BlobStore, summary: BundleSummary, record: BundleRecord, variant: ResolvedBundle | undefined): Promise<BundleDetail> {
  const { facts } = record;
  const about = {
    inputs: facts?.inputs ?? [],
    outputs: facts?.outputs ?? [],
    opsets: facts?.opsets ?? {},
    nodes: facts?.nodes ?? 0,
    parameters: facts?.parameters ?? 0,
    ...(facts?.producer && { producer: facts.producer }),
    signatures: signaturesOf(record.variants),
    referrers: referrersOf(record.variants),
    warnings: warningsOf(record, record.variants),
  };
  if (!variant) return { ...summary, ...about, limits: {}, files: [], examples: [] };
  const { source, files } = variant;
  const text = async (path: string | undefined) => {
    const file = path === undefined ? undefined : files.get(path);
    return file && (await store.has(file.digest)) ? (await store.read(file.digest, MAX_TEXT_BYTES)).toString('utf8') : undefined;
  };
  const labels = await text(source.labels);
  const recipe = await text(source.recipe);
  return {
    ...summary,
    ...about,
    ...(source.description !== undefined && { description: source.description }),
    ...(labels !== undefined && { labels: parseLabels(labels).slice(0, MAX_LABELS_SHOWN) }),
    ...(source.metric && { metric: { name: source.metric.name, output: source.metric.output } }),
    ...(recipe !== undefined && { recipe: describeRecipe(parseRecipe(recipe, source.recipe)) }),
    limits: source.limits,
    files: [...files.values()],
    examples: [...files.values()].filter((file) => file.role === 'example').map((file) => file.path),
  };
}

/**
 * The bill of materials of a variant, with who signed it. What does not count may say anything, and is not given out.
 * @throws bundle.no-bom (usage); trust.bom-*, trust.signer-unknown and the like (trust)
 */
export async function showBom(store: BlobStore, { name, version }: BundleRecord, variant: VariantRecord | undefined): Promise<VariantBom> {
  const bill = variant && countingBom(variant.attached);
  const problem = variant && bomProblem(variant.attached);
  const hint = `Add one of this workspace's: edgewright bundle sign ${name}@${version} --reason TEXT`;
  if (problem && problem.code !== 'trust.no-bom') throw altered(problem.code, `${name}@${version}#${variant.variant.name}: ${problem.message}`, { hint });
  if (!variant || !bill) throw misused(NO_BOM, `${name}@${version} has no bill of materials.`, { hint });
  return {
    name,
    version,
    variant: variant.variant.name,
    digest: bill.content,
    text: (await store.read(bill.content, MAX_BOM_BYTES)).toString('utf8'),
    signedBy: { id: bill.by.id, name: bill.by.name },
  };
}
