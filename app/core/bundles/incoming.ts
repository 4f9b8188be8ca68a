/**
 * What a source says a bundle consists of, read before any large byte is fetched: bounds first, then form, then that every
 * part belongs to the same name@version. Everything here was made by somebody else.
 */
import { bundleEntry, referrerEntry, splitIndex } from './entries.ts';
import { altered, unsound } from './errors.ts';
import {
  MAX_BUNDLE_BYTES,
  MAX_DOCUMENTS_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_REFERRER_LAYERS,
  MAX_REFERRER_MANIFEST_BYTES,
  MAX_REFERRERS,
  MAX_VARIANTS,
  STALL_MS,
} from './limits.ts';
import { bundleIndex } from './manifest.ts';
import {
  type Descriptor,
  type Document,
  FILE_PATH,
  INDEX_TYPE,
  MANIFEST_TYPE,
  MODEL_ARTIFACT_TYPE,
  MODEL_CONFIG_TYPE,
  NAME,
  type OciManifest,
  parseIndex,
  parseManifest,
  PRECISION,
  SUBJECT,
  VARIANT,
  VERSION,
} from './oci.ts';
import { SOURCE_FILE, VARIANT_FILE } from './paths.ts';
import { type BundleProvider, fetchDocument, withinTime } from './provider.ts';
import { MAX_ROLE_BYTES } from './source.ts';
import type { BlobStore } from './store.ts';
import { assemble, fileNamed, layerFiles, type ResolvedBundle } from './variant.ts';

export interface IncomingVariant {
  /** As the bundle's index lists it. */
  descriptor: Descriptor;
  resolved: ResolvedBundle;
  /** What refers to it and is kept, as index.json will list it. */
  referrers: Descriptor[];
  /** Digests of the documents it needs: manifest, config, small files, and what the referrers consist of. */
  documents: ReadonlySet<string>;
}

export interface Incoming {
  name: string;
  version: string;
  /** The OCI index; its descriptor is the entry for index.json. */
  index: Document;
  variants: IncomingVariant[];
  /** Every small document but the index, by digest. */
  documents: Map<string, Document>;
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
  readonly #documents = new Map<string, Document>();
  readonly #sizes = new Map<string, number>();
  readonly #attachments = new Map<string, Buffer>();
  /** What the variant that is being read needs. */
  #needed = new Set<string>();
  #documentBytes = 0;

  constructor(store: BlobStore, provider: BundleProvider, options: ReadOptions) {
    this.#store = store;
    this.#provider = provider;
    this.#options = options;
  }

  async read(): Promise<Incoming> {
    const root = this.#provider.index;
    if (root.mediaType === MANIFEST_TYPE) return this.#readSingle(root);
    if (root.mediaType !== INDEX_TYPE) throw foreign(`a document of type ${root.mediaType.slice(0, 100)}`);
    const bytes = await this.#document(root);
    const parsed = parseIndex(bytes);
    const nested = parsed.manifests.find((one) => one.mediaType !== MANIFEST_TYPE);
    if (nested) throw foreign(`an index that lists ${nested.mediaType.slice(0, 100)}`);
    const listed = splitIndex(parsed);
    if (listed.variants.length === 0 || listed.variants.length > MAX_VARIANTS)
      throw altered('bundle.manifest-malformed', `The bundle lists ${listed.variants.length} variants.`, { expected: `1 to ${MAX_VARIANTS}` });
    if (listed.attached.length > MAX_REFERRERS * listed.variants.length)
      throw altered('bundle.manifest-malformed', `The bundle lists ${listed.attached.length} signatures and the like.`);
    const variants: IncomingVariant[] = [];
    for (const descriptor of listed.variants) variants.push(await this.#variant(descriptor, listed.attached));
    // What the index lists must come with it, or the bundle would have a hole.
    const lost = listed.attached.find((one) => !variants.some(({ referrers }) => referrers.some(({ digest }) => digest === one.digest)));
    if (lost) throw altered('bundle.manifest-malformed', 'The bundle lists something that refers to none of its variants.', { found: lost.digest });
    const entry = bundleEntry(root.digest, root.size, parsed);
    if (!entry) throw altered('bundle.manifest-malformed', 'The index of the bundle does not say which name and version it is.');
    return this.#incoming({ bytes, descriptor: entry }, variants);
  }

  /** One variant alone, as when a registry tool copied its manifest by digest: it gets an index of its own. */
  async #readSingle(root: Descriptor): Promise<Incoming> {
    const variant = await this.#variant({ mediaType: MANIFEST_TYPE, digest: root.digest, size: root.size }, []);
    const { resolved } = variant;
    const { name, precision, createdAt } = resolved.variant;
    const descriptor: Descriptor = { ...variant.descriptor, artifactType: MODEL_ARTIFACT_TYPE, annotations: { [VARIANT]: name, [PRECISION]: precision } };
    return this.#incoming(bundleIndex(resolved.source, [descriptor], variant.referrers, createdAt), [{ ...variant, descriptor }]);
  }

  #incoming(index: Document, variants: IncomingVariant[]): Incoming {
    const id = `${index.descriptor.annotations?.[NAME]}@${index.descriptor.annotations?.[VERSION]}`;
    const [first] = variants;
    if (!first) throw altered('bundle.manifest-malformed', 'The bundle lists no variant.');
    const { name, version } = first.resolved;
    for (const { descriptor, resolved } of variants) {
      const own = `${resolved.name}@${resolved.version}`;
      if (own !== id || (descriptor.annotations?.[VARIANT] ?? resolved.variant.name) !== resolved.variant.name)
        throw altered('bundle.variant-malformed', 'A variant is listed under a name that is not its own.', {
          expected: `${own}#${resolved.variant.name}`,
          found: `${id}#${descriptor.annotations?.[VARIANT] ?? ''}`,
        });
    }
    if (new Set(variants.map((v) => v.resolved.variant.name)).size !== variants.length)
      throw altered('bundle.manifest-malformed', 'The bundle lists two variants of one name.');
    const files = new Map<string, Descriptor>();
    for (const layer of variants.flatMap((variant) => variant.resolved.manifest.layers)) if (!this.#documents.has(layer.digest)) files.set(layer.digest, layer);
    const total = [...files.values()].reduce((sum, { size }) => sum + size, 0);
    if (total > MAX_BUNDLE_BYTES)
      throw unsound('bundle.too-large', 'The bundle is too large.', { expected: `at most ${MAX_BUNDLE_BYTES} bytes`, found: `${total} bytes` });
    return { name, version, index, variants, documents: this.#documents, files };
  }

  /** @param attached what the bundle's index lists as referring to its variants, to this one or others */
  async #variant(descriptor: Descriptor, attached: readonly Descriptor[]): Promise<IncomingVariant> {
    this.#needed = new Set();
    const manifest = parseManifest(await this.#keep(descriptor, MAX_MANIFEST_BYTES));
    checkOurs(manifest);
    const files = layerFiles(manifest);
    for (const file of files.values()) {
      this.#checkSize(file.digest, file.bytes);
      if (file.bytes > MAX_ROLE_BYTES[file.role])
        throw unsound('bundle.file-too-large', `A file is too large for its role, ${file.role}.`, {
          expected: `at most ${MAX_ROLE_BYTES[file.role]} bytes`,
          found: `${file.bytes} bytes`,
        });
    }
    await this.#keep(manifest.config, MAX_MANIFEST_BYTES);
    const layer = async (path: string) => {
      const { digest } = fileNamed(files, path);
      const found = manifest.layers.find((one) => one.digest === digest);
      if (!found) throw new Error('a file without a layer');
      return this.#keep(found, MAX_MANIFEST_BYTES);
    };
    const resolved = assemble(this.#store, descriptor.digest, manifest, await layer(SOURCE_FILE), await layer(VARIANT_FILE));
    return { descriptor, resolved, referrers: await this.#referrers(descriptor.digest, attached), documents: this.#needed };
  }

  /** What others attached may be anything: what is not understood is left out, what is not what its digest says is refused. */
  async #referrers(subject: string, attached: readonly Descriptor[]): Promise<Descriptor[]> {
    const stop = new AbortController();
    const signal = this.#options.signal ? AbortSignal.any([this.#options.signal, stop.signal]) : stop.signal;
    const all = await withinTime(this.#provider.referrers(subject, signal), STALL_MS, this.#options.signal).finally(() => stop.abort());
    const listed = [...new Map([...attached, ...all].map((one) => [one.digest, one])).values()].filter(
      (one) => one.mediaType === MANIFEST_TYPE && one.size <= MAX_REFERRER_MANIFEST_BYTES,
    );
    const ignored = (why: string) => this.#options.onIgnored?.(`Something attached to the bundle was left out: ${why}.`);
    const most = attached.length + MAX_REFERRERS;
    if (listed.length > most) ignored(`there are more than ${MAX_REFERRERS}`);
    const kept: Descriptor[] = [];
    for (const one of listed.slice(0, most)) {
      // Of those in the index, each belongs to one variant only.
      const bytes = this.#attachments.get(one.digest) ?? (await this.#document(one));
      this.#attachments.set(one.digest, bytes);
      const manifest = manifestOrNothing(bytes);
      const entry = manifest && referrerEntry(one.digest, one.size, manifest);
      if (!manifest || entry?.annotations[SUBJECT] !== subject) {
        if (!attached.includes(one)) ignored('it is no signature, attestation or bill of materials of it');
        continue;
      }
      const parts = [manifest.config, ...manifest.layers];
      if (parts.length > MAX_REFERRER_LAYERS || parts.some((part) => part.size > MAX_MANIFEST_BYTES)) {
        ignored('it is too large');
        continue;
      }
      for (const part of parts) await this.#keep(part, MAX_MANIFEST_BYTES);
      this.#hold(one, bytes);
      kept.push(entry);
    }
    return kept;
  }

  async #keep(descriptor: Descriptor, maxBytes: number): Promise<Buffer> {
    const { digest, size } = descriptor;
    this.#checkSize(digest, size);
    return this.#hold(descriptor, this.#documents.get(digest)?.bytes ?? (await this.#document(descriptor, maxBytes)));
  }

  #hold({ digest, size, mediaType }: Descriptor, bytes: Buffer): Buffer {
    this.#documents.set(digest, { bytes, descriptor: { mediaType, digest, size } });
    this.#needed.add(digest);
    return bytes;
  }

  async #document(descriptor: Descriptor, maxBytes = MAX_MANIFEST_BYTES): Promise<Buffer> {
    this.#documentBytes += descriptor.size;
    if (this.#documentBytes > MAX_DOCUMENTS_BYTES)
      throw unsound('bundle.too-large', 'The documents of the bundle are too large together.', { expected: `at most ${MAX_DOCUMENTS_BYTES} bytes` });
    return fetchDocument(this.#provider, descriptor, maxBytes, this.#options.signal);
  }

  #checkSize(digest: string, size: number): void {
    const before = this.#sizes.get(digest) ?? size;
    if (before !== size)
      throw altered('bundle.manifest-malformed', `${digest} is listed with two sizes.`, { expected: `${before} bytes`, found: `${size} bytes` });
    this.#sizes.set(digest, size);
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
