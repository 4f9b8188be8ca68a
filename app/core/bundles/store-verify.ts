/**
 * Reading the whole store again: every file among its blobs, and every blob that something listed needs. What is damaged is
 * named with all that it affects, and what it affects can no longer be used.
 */
import type { StoreProblem, StoreVerification } from '#contract';
import type { RegistryParts } from './commit.ts';
import { reconcile } from './describe.ts';
import { digestFromHex } from './digests.ts';
import { reachable } from './garbage.ts';
import { verifyBundle, type VerifyOptions } from './verify.ts';

/** @throws store.index-missing, store.index-altered; what reading the disk throws; AbortError */
export async function verifyStore(parts: RegistryParts, options: VerifyOptions = {}): Promise<StoreVerification> {
  const { store, catalogue, trust } = parts;
  const sync = () => store.exclusively(() => reconcile(store, catalogue, trust.anchors()), options.signal);
  const listed = await sync();
  // Where a document is damaged, what else is needed is known from the catalogue alone, and nothing counts as superfluous.
  const led = await reachable(store, listed).catch(() => undefined);
  const { blobs, strangers } = await present(parts);
  const bytes = [...blobs.values()].reduce((sum, size) => sum + size, 0);
  const suspects = new Map<string, string>();
  let done = 0;
  for (const [digest, size] of blobs) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: `Reading ${blobs.size} blobs`, fraction: bytes === 0 ? 1 : done / bytes });
    const problem = await problemOf(parts, digest, options.signal);
    if (problem !== undefined) suspects.set(digest, problem);
    done += size;
  }
  for (const { digest } of [...catalogue.allBlobs(), ...(led?.values() ?? [])]) if (!blobs.has(digest)) suspects.set(digest, 'missing');
  const bad: StoreProblem[] = strangers.map((name) => ({ digest: name, problem: 'no blob: its name is no digest, or it is no file', affects: [] }));
  // Others may have removed or repaired what was read at first, so what looks bad is looked at once more as things are now.
  if (suspects.size > 0) await sync();
  for (const digest of suspects.keys()) {
    const affects = catalogue.usesOf(digest).flatMap(({ name, version, variant, path, role }) => {
      const bundle = `${name}@${version}`;
      return variant === '' ? [bundle] : [bundle, `${bundle}#${variant}`, `${bundle}#${variant} ${path || role}`];
    });
    const problem = await problemOf(parts, digest, options.signal, catalogue.usesOf(digest)[0]?.size);
    const isNeeded = affects.length > 0 || led?.has(digest) === true;
    if (problem !== undefined && (problem !== 'missing' || isNeeded)) bad.push({ digest, problem, affects: [...new Set(affects)] });
  }
  await settle(parts, bad, options);
  const extra = led ? [...blobs].filter(([digest]) => !led.has(digest) && !store.isKept(digest) && !suspects.has(digest)) : [];
  return {
    ok: bad.length === 0,
    blobs: blobs.size,
    bytes,
    bad,
    extra: extra.map(([digest, size]) => ({ digest, bytes: size })),
  };
}

/** Blobs by digest with their sizes, and the names of what else lies among them. */
async function present({ store }: RegistryParts): Promise<{ blobs: Map<string, number>; strangers: string[] }> {
  const blobs = new Map<string, number>();
  const strangers: string[] = [];
  for (const entry of await store.entries()) {
    const digest = /^[0-9a-f]{64}$/.test(entry.name) && entry.isFile() ? digestFromHex(entry.name) : undefined;
    const size = digest === undefined ? undefined : await store.size(digest);
    if (digest === undefined) strangers.push(entry.name);
    else if (size !== undefined) blobs.set(digest, size);
  }
  return { blobs, strangers };
}

/** @param size as it should be, where that is known */
async function problemOf({ store }: RegistryParts, digest: string, signal: AbortSignal | undefined, size?: number): Promise<string | undefined> {
  const there = await store.size(digest);
  if (there === undefined) return 'missing';
  if (await store.verify(digest, signal)) return undefined;
  if (size !== undefined && there !== size) return `${there} bytes long instead of ${size}`;
  return (await store.has(digest)) ? 'altered: its bytes do not have its digest' : 'missing';
}

/** Judges the bundles that are affected, and those that were before and may be whole again. */
async function settle(parts: RegistryParts, bad: readonly StoreProblem[], options: VerifyOptions): Promise<void> {
  const affected = new Set(bad.flatMap((one) => one.affects));
  for (const { name, version, state } of parts.catalogue.list()) {
    if (state === 'sound' && !affected.has(`${name}@${version}`)) continue;
    const record = parts.catalogue.find(name, version);
    if (record) await verifyBundle(parts, record, { signal: options.signal });
  }
}
