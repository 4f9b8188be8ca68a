/**
 * The files of a bundle that is coming in: fetched as far as they are lacking, held where neither a removal nor a collection
 * of garbage by another process can take them away, and laid out by name for the checks.
 */
import { copyFile, link, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureDir, freeBytes } from '#core/platform';
import { broken } from './errors.ts';
import { hexOf } from './digests.ts';
import type { Incoming, IncomingVariant } from './incoming.ts';
import { type Staged, writeHashed } from './ingest.ts';
import { DISK_MARGIN_BYTES, MAX_MANIFEST_BYTES } from './limits.ts';
import { type Descriptor, FILE_PATH } from './oci.ts';
import { type Fetched, fetchPartial, giveBack, partialBytes } from './partial.ts';
import { type BundleProvider, unlessStalled } from './provider.ts';
import type { Options } from './staging.ts';
import { type BlobStore, hashFile } from './store.ts';

export class Held {
  readonly #store: BlobStore;
  readonly #provider: BundleProvider;
  readonly #folder: string;
  readonly #options: Options;
  readonly #paths = new Map<string, string>();
  readonly #staged: Staged[] = [];
  readonly #fetched: Fetched[] = [];

  /** @param folder a fresh folder of the store's `ingest/` */
  constructor(store: BlobStore, provider: BundleProvider, folder: string, options: Options) {
    this.#store = store;
    this.#provider = provider;
    this.#folder = folder;
    this.#options = options;
  }

  /** @throws machine.disk-full when they do not fit, before the first byte; see fetchPartial */
  async gather(files: ReadonlyMap<string, Descriptor>): Promise<void> {
    await ensureDir(this.#folder);
    const lacking: Descriptor[] = [];
    for (const file of files.values()) if (!(await this.#takeHere(file))) lacking.push(file);
    await this.#checkDisk(lacking);
    const total = lacking.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    for (const file of lacking) {
      const { digest, size } = file;
      const path = file.annotations?.[FILE_PATH] ?? 'a file';
      const onAt = (at: number) => this.#options.onProgress?.({ step: `Receiving ${path}`, fraction: total === 0 ? 1 : (done + at) / total });
      const from = (start: number) => unlessStalled((signal) => this.#provider.fetch(file, { start, signal }), this.#options.signal);
      const fetched = await fetchPartial(this.#store.dir, { digest, size }, from, { signal: this.#options.signal, onAt });
      this.#fetched.push(fetched);
      this.#staged.push(fetched);
      this.#paths.set(digest, fetched.path);
      done += size;
    }
  }

  /** A blob that is here gets a second name, so that it stays whatever others remove. A damaged one is not taken. */
  async #takeHere({ digest, size }: Descriptor): Promise<boolean> {
    if ((await this.#store.size(digest)) !== size) return false;
    const path = join(this.#folder, hexOf(digest));
    const linked = await link(this.#store.path(digest), path).then(
      () => true,
      () => false,
    );
    const at = linked ? path : this.#store.path(digest);
    if ((await hashFile(at, this.#options.signal)) !== digest) return false;
    this.#paths.set(digest, at);
    if (linked) this.#staged.push({ digest, size, path });
    return true;
  }

  async #checkDisk(lacking: readonly Descriptor[]): Promise<void> {
    let needed = DISK_MARGIN_BYTES;
    for (const { digest, size } of lacking) needed += Math.max(0, size - (await partialBytes(this.#store.dir, digest)));
    const free = await freeBytes(this.#store.dir);
    if (free < needed)
      throw broken('machine.disk-full', 'The disk has no room for the bundle.', {
        expected: `${needed} bytes free`,
        found: `${free} bytes free`,
        hint: 'Free some space, then run it again. Nothing was fetched.',
      });
  }

  /** Lays one variant out by name in a fresh folder. */
  async layOut(incoming: Incoming, { resolved }: IncomingVariant, folder: string): Promise<void> {
    await ensureDir(folder);
    for (const { path, digest } of resolved.files.values()) {
      const target = join(folder, path);
      await ensureDir(dirname(target));
      const held = this.#paths.get(digest);
      const document = incoming.documents.get(digest);
      if (held !== undefined) await link(held, target).catch(() => copyFile(held, target));
      else if (document) await writeHashed([document.bytes], target, { digest, maxBytes: MAX_MANIFEST_BYTES });
      else throw new Error(`${path} was not gathered`);
    }
  }

  /** Ready to be taken in. */
  staged(): readonly Staged[] {
    return this.#staged;
  }

  /** Ends it. @param keep what was fetched waits for the next try; else it is gone */
  async release(keep: boolean): Promise<void> {
    for (const { folder, digest } of this.#fetched) {
      if (keep) await giveBack(this.#store.dir, folder, digest).catch(() => {});
      else await rm(folder, { recursive: true, force: true });
    }
  }
}
