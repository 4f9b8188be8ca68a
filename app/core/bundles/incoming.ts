/**
 * What a source says a bundle consists of, read before any large byte is fetched: bounds first, then form, then that every
 * part belongs to the same name@version. Everything here was made by somebody else.
 */
import { referrerEntry, splitIndex, variantEntry } from './entries.ts';
import { altered, unsound } from './errors.ts';
import {
  MAX_BUNDLE_BYTES,
  MAX_LISTED,
  MAX_MANIFEST_BYTES,
  MAX_REFERRER_MANIFEST_BYTES,
  MAX_REFERRER_PARTS,
  MAX_REFERRERS,
  MAX_VARIANTS,
  STALL_MS,
} from './limits.ts';
import { IncomingDocuments } from './incoming-documents.ts';
import { bundleIndex } from './manifest.ts';
import {
  CREATED,
  type Descriptor,
  type Document,
  FILE_PATH,
  INDEX_TYPE,
  MANIFEST_TYPE,
  MODEL_ARTIFACT_TYPE,
  MODEL_CONFIG_TYPE,
  NAME,
  type OciIndex,
  type OciManifest,
  parseIndex,
  parseManifest,
  SUBJECT,
  VERSION,
} from './oci.ts';
import { SOURCE_FILE, VARIANT_FILE } from './paths.ts';
import { type BundleProvider, withinTime } from './provider.ts';
import { MAX_ROLE_BYTES } from './source.ts';
import type { BlobStore } from './store.ts';
import { assemble, fileNamed, layerFiles, type ResolvedBundle } from './variant.ts';

export interface IncomingVariant {
  /** As the bundle's index is to list it. */
  descriptor: Descriptor;
  resolved: ResolvedBundle;
  /** What refers to it and is kept, as index.json will list it; and those of them that the bundle's own index lists. */
  referrers: Descriptor[];
  listed: Descriptor[];
  /** Digests of the documents it needs: manifest, config, small files. Those of the referrers are read too. */
  documents: ReadonlySet<string>;
}

export interface Incoming {
  name: string;
  version: string;
  /** The OCI index; its descriptor is the entry for index.json. */
  index: Document;
  variants: IncomingVariant[];
  /** Every small document, by digest. */
  documents: ReadonlyMap<string, Document>;
  /** Every file that is fetched apart, by digest. */
  files: Map<string, Descriptor>;
}

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  /** Told what was left out. */
  onIgnored?: ((what: string) => void) | undefined;
}

/** @throws bundle.foreign, bundle.* (input, trust), store.*-mismatch (trust), and what the provider throws */
export async function readIncoming(store: BlobStore, provider: BundleProvider, options: ReadOptions): Promise<Incoming> {
  return new Reader(store, provider, options).read();
}

class Reader {
  readonly #store: BlobStore;
  readonly #provider: BundleProvider;
  readonly #options: ReadOptions;
  readonly #documents: IncomingDocuments;

  constructor(store: BlobStore, provider: BundleProvider, options: ReadOptions) {
    this.#store = store;
    this.#provider = provider;
    this.#options = options;
    this.#documents = new IncomingDocuments(provider, options.signal);
  }

  async read(): Promise<Incoming> {
    const root = this.#provider.index;
    // One variant alone, as when a registry tool copied its manifest by digest: it gets an index of its own.
    if (root.mediaType === MANIFEST_TYPE) return this.#incoming([await this.#variant(root, [])], undefined);
    if (root.mediaType !== INDEX_TYPE) throw foreign(`a document of type ${root.mediaType.slice(0, 100)}`);
    const index = parseIndex(await this.#documents.read(root));
    if (index.manifests.length > MAX_LISTED)
      throw altered('bundle.manifest-malformed', `The bundle lists ${index.manifests.length} manifests.`, { expected: `at most ${MAX_LISTED}` });
    const { variants: listed, attached } = await this.#split(index);
    if (listed.length === 0 || listed.length > MAX_VARIANTS)
      throw altered('bundle.manifest-malformed', `The bundle lists ${listed.length} variants.`, { expected: `1 to ${MAX_VARIANTS}` });
    const variants: IncomingVariant[] = [];
    for (const descriptor of listed) variants.push(await this.#variant(descriptor, attached));
    const lost = attached.find(({ digest }) => !variants.some(({ referrers }) => referrers.some((one) => one.digest === digest)));
    if (lost) throw altered('bundle.manifest-malformed', 'The bundle lists something that refers to none of its variants.', { found: lost.digest });
    return this.#incoming(variants, index);
  }

  /** By what the manifests themselves say: some tools drop the artifact types from an index that they copy. */
  async #split({ manifests }: OciIndex): Promise<{ variants: Descriptor[]; attached: Descriptor[] }> {
    const typed: Descriptor[] = [];
    for (const one of manifests) {
      if (one.mediaType !== MANIFEST_TYPE) throw foreign(`an index that lists ${one.mediaType.slice(0, 100)}`);
      const { artifactType } = parseManifest(await this.#documents.read(one));
      typed.push({ ...one, ...(artifactType !== undefined && { artifactType }) });
    }
    return splitIndex({ manifests: typed });
  }

  #incoming(variants: IncomingVariant[], listing: OciIndex | undefined): Incoming {
    const [first] = variants;
    if (!first) throw altered('bundle.manifest-malformed', 'The bundle lists no variant.');
    const { name, version } = first.resolved;
    const annotations = listing?.annotations;
    for (const { resolved } of variants) {
      const own = [resolved.name, resolved.version];
      const said = [annotations?.[NAME] ?? name, annotations?.[VERSION] ?? version];
      if (own.join('@') !== said.join('@'))
        throw altered('bundle.variant-malformed', 'A variant is listed under a name that is not its own.', {
          expected: own.join('@'),
          found: said.join('@').slice(0, 200),
        });
    }
    if (new Set(variants.map((v) => v.resolved.variant.name)).size !== variants.length)
      throw altered('bundle.manifest-malformed', 'The bundle lists two variants of one name.');
    const files = new Map<string, Descriptor>();
    for (const layer of variants.flatMap((variant) => variant.resolved.manifest.layers))
      if (!this.#documents.all().has(layer.digest)) files.set(layer.digest, layer);
    const total = [...files.values()].reduce((sum, { size }) => sum + size, 0);
    if (total > MAX_BUNDLE_BYTES)
      throw unsound('bundle.too-large', 'The bundle is too large.', { expected: `at most ${MAX_BUNDLE_BYTES} bytes`, found: `${total} bytes` });
    // Made as a build makes it, the index is the one it was before tools changed it on the way.
    const createdAt = Date.parse(annotations?.[CREATED] ?? '') || first.resolved.variant.createdAt;
    const attached = listing ? variants.flatMap(({ listed }) => listed) : first.referrers;
    const index = bundleIndex(
      first.resolved.source,
      variants.map(({ descriptor }) => descriptor),
      attached,
      createdAt,
    );
    return { name, version, index, variants, documents: this.#documents.all(), files };
  }

  /** @param attached what the bundle's index lists as referring to its variants, to this one or others */
  async #variant(listed: Descriptor, attached: readonly Descriptor[]): Promise<IncomingVariant> {
    const needed = new Set<string>();
    const read = (descriptor: Descriptor) => {
      needed.add(descriptor.digest);
      return this.#documents.read(descriptor);
    };
    const manifest = parseManifest(await read(listed));
    checkOurs(manifest);
    const files = layerFiles(manifest);
    for (const file of files.values()) {
      this.#documents.checkSize(file.digest, file.bytes);
      if (file.bytes > MAX_ROLE_BYTES[file.role])
        throw unsound('bundle.file-too-large', `A file is too large for its role, ${file.role}.`, {
          expected: `at most ${MAX_ROLE_BYTES[file.role]} bytes`,
          found: `${file.bytes} bytes`,
        });
    }
    await read(manifest.config);
    const layer = (path: string) => {
      const found = manifest.layers.find((one) => one.digest === fileNamed(files, path).digest);
      if (!found) throw new Error('a file without a layer');
      return read(found);
    };
    const resolved = assemble(this.#store, listed.digest, manifest, await layer(SOURCE_FILE), await layer(VARIANT_FILE));
    const referrers = await this.#referrers(listed.digest, attached);
    return {
      descriptor: variantEntry(listed, resolved.variant),
      resolved,
      referrers,
      listed: referrers.filter(({ digest }) => attached.some((one) => one.digest === digest)),
      documents: needed,
    };
  }

  /** What others attached may be anything: what is not understood is left out, what is not what its digest says is refused. */
  async #referrers(subject: string, attached: readonly Descriptor[]): Promise<Descriptor[]> {
    const stop = new AbortController();
    const signal = this.#options.signal ? AbortSignal.any([this.#options.signal, stop.signal]) : stop.signal;
    const others = await withinTime(this.#provider.referrers(subject, signal), STALL_MS, this.#options.signal).finally(() => stop.abort());
    const ignored = (why: string) => this.#options.onIgnored?.(`Something attached to the bundle was left out: ${why}.`);
    const unlisted = others.filter(({ digest, mediaType }) => mediaType === MANIFEST_TYPE && !attached.some((one) => one.digest === digest));
    if (unlisted.length > MAX_REFERRERS) ignored(`there are more than ${MAX_REFERRERS}`);
    const found = new Map<string, Descriptor>();
    for (const one of [...attached, ...unlisted.slice(0, MAX_REFERRERS)]) {
      const isListed = attached.includes(one);
      const manifest = one.size > MAX_REFERRER_MANIFEST_BYTES ? undefined : manifestOrNothing(await this.#documents.read(one));
      const entry = manifest && referrerEntry(one.digest, one.size, manifest);
      const parts = manifest ? [manifest.config, ...manifest.layers] : [];
      const fits = parts.length <= MAX_REFERRER_PARTS && parts.every((part) => part.size <= MAX_MANIFEST_BYTES);
      if (!entry || entry.annotations[SUBJECT] !== subject || !fits) {
        // Of those in the index, each belongs to one variant only.
        if (!isListed) ignored('it is no signature, attestation or bill of materials of it');
        continue;
      }
      for (const part of parts) await this.#documents.read(part);
      found.set(one.digest, entry);
    }
    return [...found.values()];
  }
}

function manifestOrNothing(bytes: Buffer): OciManifest | undefined {
  try {
    return parseManifest(bytes);
  } catch {
    return undefined;
  }
}

/** Other tools make model artifacts too, which lack what makes a bundle. @throws bundle.foreign */
function checkOurs(manifest: OciManifest): void {
  const { artifactType, config, layers } = manifest;
  const paths = layers.map((one) => one.annotations?.[FILE_PATH]);
  const ours = paths.includes(SOURCE_FILE) || paths.includes(VARIANT_FILE);
  if (config.mediaType.startsWith('application/vnd.kitops.')) throw foreign('a ModelKit of KitOps');
  if (artifactType !== MODEL_ARTIFACT_TYPE || config.mediaType !== MODEL_CONFIG_TYPE)
    throw foreign(`an artifact of type ${(artifactType ?? config.mediaType).slice(0, 100)}`);
  if (!ours) throw foreign('a ModelPack artifact that another tool made', `${SOURCE_FILE} among ${layers.length} files`);
}

function foreign(what: string, missing?: string) {
  return unsound('bundle.foreign', `This is ${what}, not a bundle of Edgewright.`, {
    expected: `a ModelPack manifest with ${SOURCE_FILE} and ${VARIANT_FILE} among its layers`,
    ...(missing !== undefined && { found: `no ${missing}` }),
    hint: `Unpack it with the tool that made it, add an ${SOURCE_FILE} beside the model, and run: edgewright bundle build DIR`,
  });
}
