/** The bundles of a workspace: what there is, what is in it, whether it is still what it was. */
import {
  asEdgewrightError,
  type BundleDetail,
  type BundlePage,
  type BundleSearch,
  type BundleSummary,
  type EdgewrightError,
  type Extracted,
  type StoreGarbage,
  type StoreVerification,
  type Variant,
  type VariantBom,
  type VerifyResult,
} from '#contract';
import { anchorsOf, ownKey } from '#core/trust';
import { type Exported, exportBundle } from './archive/export.ts';
import { importBundle, type ImportOptions } from './archive/import.ts';
import { acceptBundle } from './accept.ts';
import type { BomMetric } from './bom.ts';
import { noteMetric } from './bom-update.ts';
import { addVariantTo, type BuildOptions, buildBundle, type NewVariant } from './build.ts';
import type { BundleRecord, ClosureEntry, VariantRecord } from './catalogue.ts';
import { commitRemoval, type RegistryParts } from './commit.ts';
import { digestOf } from './digests.ts';
import { indexDigestOf, reconcile } from './describe.ts';
import { closureForDevices } from './device-closure.ts';
import { altered, misused } from './errors.ts';
import { extractBundle } from './extract.ts';
import { nearest } from '#core/platform';
import { parseManifest } from './oci.ts';
import type { BundleProvider } from './provider.ts';
import { receiveBundle, type ReceiveOptions } from './receive.ts';
import { sweepPartial } from './partial.ts';
import { isListReadable, restoreList } from './rebuild.ts';
import { parseRef } from './refs.ts';
import { showBom, showBundle } from './show.ts';
import { signBundle, type SignOptions } from './sign.ts';
import { restsOn, stillTrusted, UNVERIFIED, wayOut } from './standing.ts';
import type { Options } from './staging.ts';
import { alteredBlob } from './store.ts';
import { verifyStore } from './store-verify.ts';
import { collectGarbage } from './garbage.ts';
import { assemble, type ResolvedBundle } from './variant.ts';
import { verifyBundle, type VerifyOptions } from './verify.ts';

export interface GarbageOptions {
  dryRun?: boolean | undefined;
  /** In ms. */
  partialsOlderThanMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export type Registry = Awaited<ReturnType<typeof openRegistry>>;

/** Opens the registry over a store and its catalogue, bringing the catalogue in line with the store where it is not. */
export async function openRegistry(given: Omit<RegistryParts, 'trust'> & Partial<Pick<RegistryParts, 'trust'>>) {
  const own = anchorsOf([ownKey(given.keyring.publicKeyPem)]);
  const parts: RegistryParts = { ...given, trust: given.trust ?? { anchors: () => own } };
  const { store, catalogue, trust } = parts;
  const sync = () => store.exclusively(() => reconcile(store, catalogue, trust.anchors()));
  // Readers need no lock: only when something changed behind the catalogue's back is there something to write.
  /** Set while index.json is lost: what the catalogue says could be out of date then, so nothing is said. */
  let lost: EdgewrightError | undefined;
  try {
    if (catalogue.trustDigest() !== trust.anchors().digest || catalogue.indexDigest() !== indexDigestOf(await store.readIndex())) await sync();
  } catch (error) {
    lost = asEdgewrightError(error);
    if (!isListLost(lost)) throw error;
  }

  function list(): BundleSummary[] {
    if (lost) throw lost;
    return catalogue.list();
  }

  function find(ref: string): { record: BundleRecord; variant: VariantRecord | undefined } {
    const parsed = parseRef(ref);
    if (lost) throw lost;
    const id = parsed.kind === 'name' ? parsed : catalogue.byDigest(parsed.digest);
    const record = id && catalogue.find(id.name, id.version);
    if (!record) throw unknown(ref);
    if (id.variant === undefined) return { record, variant: undefined };
    const variant = record.variants.find((v) => v.variant.name === id.variant);
    if (!variant) {
      throw misused('usage.unknown-variant', `${record.name}@${record.version} has no variant ${id.variant}.`, {
        expected: record.variants.map((v) => v.variant.name).join(', '),
        found: id.variant,
      });
    }
    return { record, variant };
  }

  function unknown(ref: string) {
    const meant = nearest(
      ref.split('#')[0] ?? ref,
      catalogue.list().map((b) => `${b.name}@${b.version}`),
    );
    return misused('usage.unknown-bundle', `There is no bundle ${ref}.`, {
      hint: meant === undefined ? 'edgewright bundle list shows what there is.' : `Did you mean ${meant}?`,
    });
  }

  /** @throws bundle.not-usable (trust) when it is quarantined or incomplete */
  function resolve(ref: string): ResolvedBundle {
    const { record, variant = record.variants[0] } = find(ref);
    const anchors = trust.anchors();
    // The list of trusted signers may have been changed behind our back: nothing may be used on the word of a removed one.
    const removed = variant !== undefined && catalogue.trustDigest() !== anchors.digest && !stillTrusted(variant, anchors);
    if (record.state !== 'sound' || !variant || removed) {
      const why = removed ? 'its signer is no longer trusted here.' : (record.stateReason ?? 'it has no variant.');
      throw altered('bundle.not-usable', `${record.name}@${record.version} is ${removed ? 'quarantined' : record.state}: ${why}`, {
        hint: wayOut(removed ? 'trust.signer-removed' : record.stateCode),
      });
    }
    return { ...assembled(variant), digest: record.digest, variant: variant.variant };
  }

  /** From the catalogue's copies, which count only while they have their digests. */
  function assembled(variant: VariantRecord): ResolvedBundle {
    if (digestOf(variant.manifest) !== variant.variant.digest) throw alteredBlob(variant.variant.digest);
    const resolved = assemble(store, variant.variant.digest, parseManifest(variant.manifest), variant.source, variant.self);
    for (const [role, bytes] of [
      ['source', variant.source],
      ['variant', variant.self],
    ] as const) {
      const file = [...resolved.files.values()].find((f) => f.role === role);
      if (file?.digest !== digestOf(bytes)) throw alteredBlob(file?.digest ?? role);
    }
    return resolved;
  }

  async function show(ref: string): Promise<BundleDetail> {
    const { record, variant = record.variants[0] } = find(ref);
    const summary = catalogue.summary(record.name, record.version);
    if (!summary) throw unknown(ref);
    return showBundle(store, summary, record, variant && assembled(variant));
  }

  /** See showBom. */
  async function bom(ref: string): Promise<VariantBom> {
    const { record, variant = record.variants[0] } = find(ref);
    return showBom(store, record, variant);
  }

  /** See verifyBundle. */
  async function verify(ref: string, options: VerifyOptions = {}): Promise<VerifyResult> {
    return verifyBundle(parts, find(ref).record, options);
  }

  /**
   * Brings every bundle in line with who is trusted now: what lost its last trusted signer is quarantined, what gained one is
   * read and released. @returns `name@version` of both
   */
  async function trustChanged(options: VerifyOptions = {}): Promise<{ quarantined: string[]; released: string[] }> {
    const soundBefore = new Set(list().filter(isSound).map(refOf));
    await sync();
    const quarantined = catalogue.list().filter((bundle) => !isSound(bundle) && soundBefore.has(refOf(bundle)));
    const released: string[] = [];
    for (const bundle of catalogue.list().filter(({ stateCode }) => stateCode === UNVERIFIED)) {
      const { ok } = await verify(refOf(bundle), options);
      if (ok) released.push(refOf(bundle));
    }
    return { quarantined: quarantined.map(refOf), released };
  }

  /** `name@version` of the usable bundles that rest on one trusted signer alone. */
  function restingOn(id: string): string[] {
    const anchors = trust.anchors();
    return list()
      .filter((bundle) => {
        const record = isSound(bundle) && catalogue.find(bundle.name, bundle.version);
        return record && restsOn(record, anchors, id);
      })
      .map(refOf);
  }

  /** Which bundle a reference means, sound or not. @throws usage.* when it means none, or only a variant of one */
  function identify(ref: string): { name: string; version: string; digest: string } {
    const { name, version, digest } = find(ref).record;
    if (parseRef(ref).kind === 'name' && ref.includes('#'))
      throw misused('usage.ref', 'Only a whole bundle is meant here.', { expected: `${name}@${version}`, found: ref });
    return { name, version, digest };
  }

  async function remove(ref: string): Promise<{ freedBytes: number }> {
    identify(ref);
    return store.exclusively(async () => {
      const entries = await reconcile(store, catalogue, trust.anchors());
      // What the reference meant may have gone meanwhile, or its name stand for something else.
      return { freedBytes: await commitRemoval(parts, entries, identify(ref)) };
    });
  }

  return {
    /** See buildBundle. */
    build: (dir: string, options: BuildOptions): Promise<BundleSummary> => buildBundle(parts, dir, options),
    /** See importBundle. */
    import: (path: string, options: ImportOptions): Promise<BundleSummary> => importBundle(parts, path, options),
    /** See exportBundle. @throws bundle.not-usable for one that is quarantined or incomplete */
    async export(ref: string, file: string, options: Options): Promise<Exported> {
      const { name, version } = identify(ref);
      resolve(`${name}@${version}`);
      return exportBundle(store, { name, version }, file, options);
    },
    /** See receiveBundle. */
    receive: (provider: BundleProvider, options: ReceiveOptions): Promise<BundleSummary> => receiveBundle(parts, provider, options),
    /** See addVariantTo. */
    async addVariant(ref: string, added: NewVariant): Promise<Variant> {
      const { record } = find(ref);
      return addVariantTo(parts, record, resolve(`${record.name}@${record.version}`).source, added);
    },
    list,
    /** See Catalogue.search. */
    search(query: BundleSearch): BundlePage {
      if (lost) throw lost;
      return catalogue.search(query);
    },
    trustChanged,
    restingOn,
    show,
    identify,
    resolve,
    verify,
    /** See signBundle. */
    sign: (ref: string, options: SignOptions): Promise<BundleSummary> => signBundle(parts, find(ref).record, options),
    /** Sees to it that this workspace's own signature and bill of materials are on every variant of a usable bundle, as devices want it. */
    signForDevices: async (ref: string): Promise<void> => acceptBundle(parts, resolve(ref), false),
    /** See extractBundle. */
    extract: async (ref: string, dir: string, options: Options = {}): Promise<Extracted> => extractBundle(store, resolve(ref), dir, trust.anchors(), options),
    bom,
    /** See noteMetric. */
    noteMetric: (id: { name: string; version: string }, variant: string, metric: BomMetric): Promise<void> => noteMetric(parts, id, variant, metric),
    /** Takes a bundle out with everything only it needed. */
    remove,
    /**
     * Every blob a device needs for this variant, its manifest (role `manifest`), config, signatures and bill of materials
     * included; calibration and test sets are not.
     */
    async manifestClosure(variantDigest: string): Promise<ClosureEntry[]> {
      const { variant } = find(variantDigest);
      if (!variant) throw unknown(variantDigest);
      return closureForDevices(store, variant);
    },
    /** See verifyStore. */
    verifyStore: (options: VerifyOptions = {}): Promise<StoreVerification> => verifyStore(parts, options),
    /**
     * Removes blobs that nothing leads to, such as those a power cut left, and parts of blobs that nobody went on with.
     * @param partialsOlderThanMs those touched since are kept
     */
    async collectGarbage(options: GarbageOptions = {}): Promise<StoreGarbage> {
      const { dryRun = false, partialsOlderThanMs } = options;
      if (!dryRun) await store.sweepTemp();
      const { blobs, bytes } = await store.exclusively(async () => {
        const collected = await collectGarbage(store, options);
        await reconcile(store, catalogue, trust.anchors());
        return collected;
      }, options.signal);
      const partialBytes = await sweepPartial(store.dir, Date.now(), { dryRun, olderThanMs: partialsOlderThanMs });
      return { dryRun, blobs, blobBytes: bytes, partialBytes, freedBytes: bytes + partialBytes };
    },
    /**
     * Throws the catalogue's rows away and makes them again from the blobs; index.json too, where it is lost or damaged.
     * @returns whether it made index.json
     */
    async rebuild(options: VerifyOptions = {}): Promise<{ listRestored: boolean }> {
      const listRestored = await store.exclusively(async () => {
        const drop = catalogue.list();
        if (await isListReadable(parts)) {
          catalogue.apply({ drop, indexDigest: '' });
          await reconcile(store, catalogue, trust.anchors(), options);
          return false;
        }
        const { entries, records } = await restoreList(parts, options);
        catalogue.apply({ drop, put: records, indexDigest: indexDigestOf(entries), trustDigest: trust.anchors().digest });
        return true;
      }, options.signal);
      lost = undefined;
      return { listRestored };
    },
  };
}

function isListLost({ code }: EdgewrightError): boolean {
  return code === 'store.index-missing' || code === 'store.index-altered';
}

function refOf({ name, version }: { name: string; version: string }): string {
  return `${name}@${version}`;
}

function isSound({ state }: BundleSummary): boolean {
  return state === 'sound';
}
