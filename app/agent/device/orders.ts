/** What is asked of an order before it is taken, and what a rollback needs. */
import { EdgewrightError } from '#contract';
import type { BlobStore } from '#core/bundles';
import { freeBytes } from '#core/platform';
import { type DeploymentOrder, DISK_RESERVE_BYTES } from '#core/protocol';
import { type DeploymentRecord, refOf } from '../state/deployments.ts';
import type { Ledger } from '../state/ledger.ts';

/** How many bytes of an order these are. */
export function bytesOf(order: DeploymentOrder, digests: readonly string[]): number {
  const wanted = new Set(digests);
  return order.blobs.reduce((sum, { digest, size }) => sum + (wanted.has(digest) ? size : 0), 0);
}

/** @throws device.order-wrong */
export function checkOrder(order: DeploymentOrder): void {
  const sizes = new Map(order.blobs.map(({ digest, size }) => [digest, size]));
  if (sizes.size === order.blobs.length && sizes.get(order.manifest.digest) === order.manifest.size) return;
  throw new EdgewrightError({ code: 'device.order-wrong', message: 'The deployment must list each blob once, the manifest among them.', owner: 'input' });
}

/** Said where there is nothing to roll back to. */
export function nothingBefore(model: string, serving: DeploymentRecord | undefined): EdgewrightError {
  return new EdgewrightError({
    code: 'device.nothing-before',
    message: serving ? `There is nothing to roll ${model} back to: ${refOf(serving)} is the only one on this device.` : `This device does not serve ${model}.`,
    hint: serving ? 'Deploy the version you want instead.' : 'Look at what the device serves.',
    owner: 'device',
  });
}

/** The one model that is served, where nobody says which is meant. @throws device.which-model */
export function onlyModel(ledger: Pick<Ledger, 'slots'>): string {
  const models = ledger.slots().filter((slot) => slot.serving !== undefined);
  if (models.length === 1 && models[0]) return models[0].model;
  throw new EdgewrightError({
    code: 'device.which-model',
    message: models.length === 0 ? 'This device serves nothing.' : 'This device serves several models; say which one to roll back.',
    found: models.map((slot) => slot.model).join(', ') || 'none',
    owner: models.length === 0 ? 'device' : 'usage',
  });
}

/** Whether what is lacking fits beside the reserve. @throws device.disk-full */
export async function checkSpace(order: DeploymentOrder, store: BlobStore, dir: string): Promise<void> {
  let needed = DISK_RESERVE_BYTES;
  for (const { digest, size } of order.blobs) if ((await store.size(digest)) !== size) needed += size;
  const free = await freeBytes(dir);
  if (free >= needed) return;
  throw new EdgewrightError({
    code: 'device.disk-full',
    message: 'The device has not enough free space for this bundle.',
    expected: `${needed} bytes`,
    found: `${free} bytes`,
    hint: 'Free some space on the device, or deploy a smaller variant.',
    owner: 'machine',
  });
}
