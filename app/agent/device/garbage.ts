/** Deletes blobs, laid-out files and uploads that nothing on its way, serving or before it needs. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from '#core/bundles';
import type { Uploads } from '#core/distribution';
import type { Deployments } from '../state/deployments.ts';
import type { StagedBundle } from './install.ts';

/** Call it in turn with everything that lists blobs as present. */
export async function collectGarbage(
  parts: { ledger: Deployments; store: BlobStore; uploads: Uploads },
  stagedRoot: string,
  staged: Map<string, StagedBundle>,
): Promise<void> {
  const { ledger, store, uploads } = parts;
  for await (const { digest } of store.list()) if (!ledger.isLive(digest)) await store.remove(digest);
  for (const id of await readdir(stagedRoot).catch(() => [])) {
    if (ledger.isLiveDeployment(id)) continue;
    staged.delete(id);
    await rm(join(stagedRoot, id), { recursive: true, force: true });
  }
  const receiving = ledger.models().filter((model) => ledger.receiving(model).length > 0);
  await uploads.dropExcept(new Set(receiving));
  await uploads.sweep();
}
