/** A second workspace to receive from: its bundles, given as a source that can be made to misbehave. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { type BlobStore, type BundleProvider, type Descriptor, openCatalogue, openRegistry, openStore, type Registry } from '#core/bundles';
import { type Keyring, openKeyring } from '#core/trust';

export interface Elsewhere {
  store: BlobStore;
  registry: Registry;
  keyring: Keyring;
  close(): void;
}

/** @param keys the folder of its keys: the same as another's makes it the same signer */
export async function elsewhere(dir: string, keys = join(dir, 'keys')): Promise<Elsewhere> {
  const store = await openStore(join(dir, 'store'));
  const catalogue = openCatalogue(join(dir, 'catalogue.db'));
  const keyring = await openKeyring(keys);
  return { store, keyring, registry: await openRegistry({ store, catalogue, keyring }), close: () => catalogue.close() };
}

export interface Misbehaviour {
  /** Changes what is sent for a digest. */
  send?: (digest: string, bytes: Buffer) => Buffer;
  /** The connection breaks after this many bytes of files (not of documents), over all. */
  breakAfter?: number;
  /** Told every request. */
  onFetch?: (digest: string, start: number) => void;
  /** Told how many bytes of files are sent. */
  onSend?: (bytes: number) => void;
}

/** A bundle of that workspace, as any provider would give it. */
export async function sourceOf({ store }: Elsewhere, ref: string, wrong: Misbehaviour = {}): Promise<BundleProvider> {
  const entries = await store.readIndex();
  const index = entries.find((entry) => entry.annotations?.['org.opencontainers.image.ref.name'] === ref);
  if (!index) throw new Error(`no ${ref}`);
  let left = wrong.breakAfter ?? Number.POSITIVE_INFINITY;
  return {
    index: { mediaType: index.mediaType, digest: index.digest, size: index.size },
    async *fetch({ digest, mediaType }, { start }) {
      wrong.onFetch?.(digest, start);
      const whole: Buffer[] = [];
      for await (const chunk of createReadStream(store.path(digest))) whole.push(chunk as Buffer);
      const sent = wrong.send?.(digest, Buffer.concat(whole)) ?? Buffer.concat(whole);
      for (let at = start; at < sent.length; at += 1000) {
        const chunk = sent.subarray(at, at + 1000);
        if (/weight\.v1|dataset/.test(mediaType)) {
          if (left <= 0) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
          left -= chunk.length;
          wrong.onSend?.(chunk.length);
        }
        yield chunk;
      }
    },
    referrers: async (subject) => {
      const found: Descriptor[] = [];
      for (const entry of entries) {
        if (entry.annotations?.['dev.edgewright.subject'] !== subject) continue;
        const { mediaType, digest, size, artifactType } = entry;
        found.push({ mediaType, digest, size, ...(artifactType !== undefined && { artifactType }) });
      }
      return found;
    },
  };
}
