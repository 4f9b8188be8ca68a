/** What becomes of bundles is not the server's to decide: it puts them before whoever does. */
import { OciError } from '../oci-error.ts';
import type { PutManifest, Repositories } from '../repositories.ts';

export interface BundleDoor {
  /**
   * A whole bundle lies in the repository `name` under the tag `version`, or something new refers to one: takes it in as any
   * import. @throws why it must not be
   */
  admit(name: string, version: string): Promise<void>;
  /** @throws input.bundle-in-use while it must stay */
  remove(name: string, version: string): Promise<void>;
}

/** Has the bundles judged that a manifest made whole or refers to; one that is refused is taken back. */
export async function admitBundles(repositories: Repositories, door: BundleDoor, repository: string, put: PutManifest): Promise<void> {
  if (put.versions.length === 0) return;
  try {
    for (const version of put.versions) await door.admit(repository, version);
  } catch (error) {
    await repositories.takeBack(repository, put);
    throw error;
  }
  await repositories.settle(repository);
}

/** Deletes a tag or manifest. A bundle is removed by its version or its index; a part of one stays as long as the bundle. */
export async function removeReference(repositories: Repositories, door: BundleDoor, repository: string, reference: string): Promise<boolean> {
  const versions = await repositories.versionsOf(repository, reference);
  if (!versions) return repositories.removeManifest(repository, reference);
  if (versions.length === 0) throw new OciError(405, 'UNSUPPORTED', 'This manifest is part of a bundle; delete the bundle.');
  for (const version of versions) await door.remove(repository, version);
  return true;
}
