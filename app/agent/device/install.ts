/**
 * From blobs to a bundle that can be loaded: every digest, the signature by a key that counts, the closure against the
 * decision, and the files laid out by name. Nothing is loaded before all of it holds.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgewrightError } from '#contract';
import {
  type BlobStore,
  findReferrers,
  type LayerFile,
  NOT_FOR_DEVICES,
  type ResolvedBundle,
  type Role,
  readBundleManifest,
  recipeFilesIn,
  verifyVariantBom,
  verifyVariantSignature,
} from '#core/bundles';
import { type GoldenRule, goldenRule } from '#core/datasets';
import type { Descriptor, DeploymentOrder, DeviceLimits } from '#core/protocol';
import type { RawGolden } from '#core/runtime';
import { trustKeys } from '#core/trust';
import { type Reading, readingOf } from './reading.ts';

export interface StagedBundle {
  modelPath: string;
  goldenPath: string;
  /** Raw inputs of the golden set, which the recipe must prepare here as everywhere. */
  raw?: RawGolden;
  rule: GoldenRule;
  limits: DeviceLimits;
  /** How raw inputs are read and answers told, for a bundle that says so. */
  reading: (() => Promise<Reading>) | undefined;
}

export interface InstallTrust {
  /** The keys whose signatures count, in PEM: the workspace's, and that of the administrator who ordered it. */
  signers: readonly string[];
  /** Whether it must bring a signed bill of materials: whatever is new here must; what was activated before agents asked for one serves on. */
  needsBom: boolean;
}

/** What is read while the bundle serves or is tested. Everything else stays in the store. */
const LAID_OUT: readonly Role[] = ['model', 'weights', 'golden', 'golden-raw', 'recipe', 'labels', 'tokenizer'];

/**
 * Checks and lays out a deployment whose blobs are all here. Blobs that turn out wrong are deleted, so that they can be sent again.
 * @throws owner trust: device.blob-wrong, device.not-as-decided, trust.*; owner gate: device.no-golden
 */
export async function installBundle(store: BlobStore, order: DeploymentOrder, trust: InstallTrust, dir: string, signal: AbortSignal): Promise<StagedBundle> {
  try {
    return await install(store, order, trust, dir, signal);
  } catch (error) {
    signal.throwIfAborted();
    const wrong = await dropWrongBlobs(store, order.blobs, signal);
    if (wrong === undefined) throw error;
    throw new EdgewrightError(
      {
        code: 'device.blob-wrong',
        message: `A file of ${order.name}@${order.version} is damaged or missing on the device.`,
        expected: wrong,
        hint: 'Deploy it again: only what is damaged is sent.',
        owner: 'trust',
      },
      { cause: error },
    );
  }
}

async function install(store: BlobStore, order: DeploymentOrder, { signers, needsBom }: InstallTrust, dir: string, signal: AbortSignal): Promise<StagedBundle> {
  // The signature first: nothing that nobody vouches for is read any further.
  const brought = order.blobs.map((blob) => blob.digest);
  const anchors = trustKeys(signers);
  await verifyVariantSignature(store, order.manifest.digest, anchors, brought);
  if (needsBom) await verifyVariantBom(store, order.manifest.digest, anchors, brought);
  const bundle = await readBundleManifest(store, order.manifest.digest);
  const files = [...bundle.files.values()];
  checkDecision(bundle, files, order);
  await checkNothingElse(store, bundle, files, order);
  const golden = files.find((file) => file.role === 'golden');
  const model = files.find((file) => file.role === 'model');
  if (!golden || !model) {
    throw new EdgewrightError({
      code: 'device.no-golden',
      message: 'This bundle brings no golden set, so the device cannot tell whether it works here.',
      hint: 'Add a golden set to the bundle and build it again.',
      owner: 'gate',
    });
  }
  // Each byte is read once: here what stays in the store, below what is laid out.
  const laidOut = new Set(files.filter((file) => LAID_OUT.includes(file.role)).map((file) => file.digest));
  for (const { digest } of order.blobs) {
    if (!laidOut.has(digest) && !(await store.verify(digest, signal))) throw damaged(digest);
  }
  await rm(dir, { recursive: true, force: true });
  await bundle.materialize(dir, { roles: LAID_OUT, signal });
  const { tolerances, metric, limits, recipe, rawTolerance } = bundle.source;
  const raw = files.filter((file) => file.role === 'golden-raw').map((file) => file.path);
  return {
    modelPath: join(dir, model.path),
    goldenPath: join(dir, golden.path),
    ...(raw.length > 0 &&
      recipe !== undefined && {
        raw: { dir, recipe, golden: golden.path, raw, files: recipeFilesIn(dir, new Set(bundle.files.keys())), tolerance: rawTolerance },
      }),
    rule: goldenRule(bundle.variant.precision, tolerances, metric && { name: metric.name, output: metric.output }),
    limits,
    reading: readingOf(bundle, dir),
  };
}

/** The bundle is the one that was decided on, and the decision lists all of it at its true size. */
function checkDecision(bundle: ResolvedBundle, files: readonly LayerFile[], order: DeploymentOrder): void {
  const said = `${order.name}@${order.version}#${order.variant}`;
  const found = `${bundle.name}@${bundle.version}#${bundle.variant.name}`;
  if (said !== found) throw notAsDecided('The manifest is of another bundle than the deployment says.', said, found);
  const needed = files.filter((file) => !NOT_FOR_DEVICES.includes(file.role)).map((file) => ({ digest: file.digest, size: file.bytes, what: file.path }));
  needed.push({ digest: bundle.manifest.config.digest, size: bundle.manifest.config.size, what: 'the config' });
  checkListed(order, needed);
}

function checkListed(order: DeploymentOrder, needed: readonly { digest: string; size: number; what: string }[]): void {
  const listed = new Map(order.blobs.map((blob) => [blob.digest, blob.size]));
  for (const { digest, size, what } of needed) {
    const decided = listed.get(digest);
    if (decided === size) continue;
    throw notAsDecided(
      `The deployment does not list ${what} as the manifest does.`,
      `${digest}, ${size} bytes`,
      decided === undefined ? 'not listed' : `${decided} bytes`,
    );
  }
}

/** What is neither the bundle's nor refers to it has no business on a device, listed or not. */
async function checkNothingElse(store: BlobStore, bundle: ResolvedBundle, files: readonly LayerFile[], order: DeploymentOrder): Promise<void> {
  const digests = order.blobs.map((blob) => blob.digest);
  const known = new Set([order.manifest.digest, bundle.manifest.config.digest, ...files.map((file) => file.digest)]);
  for (const { digest, manifest } of await findReferrers(store, order.manifest.digest, digests)) {
    const parts = [manifest.config, ...manifest.layers];
    // What lies here by chance and is not listed is not kept either.
    checkListed(
      order,
      parts.map((part) => ({ digest: part.digest, size: part.size, what: 'a part of what refers to the variant' })),
    );
    for (const part of [digest, ...parts.map((one) => one.digest)]) known.add(part);
  }
  const stray = digests.find((digest) => !known.has(digest));
  if (stray !== undefined)
    throw notAsDecided('The deployment lists a file that is no part of the bundle.', 'the files of the bundle, its signatures, its bill of materials', stray);
}

/** Deletes what does not have its digest. @returns the first such digest, or one that is missing; undefined when all are right */
async function dropWrongBlobs(store: BlobStore, blobs: readonly Descriptor[], signal: AbortSignal): Promise<string | undefined> {
  let first: string | undefined;
  for (const { digest } of blobs) {
    if (await store.verify(digest, signal)) continue;
    await store.remove(digest);
    first ??= digest;
  }
  return first;
}

function damaged(digest: string): EdgewrightError {
  return new EdgewrightError({ code: 'device.blob-wrong', message: 'A file is damaged or missing on the device.', expected: digest, owner: 'trust' });
}

function notAsDecided(message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code: 'device.not-as-decided', message, expected, found, owner: 'trust' });
}
