/**
 * Which blobs of the workspace's store a device may still need: all that an unfinished deployment lists, and all of the
 * bundles that a device runs or may go back to, as they were sent to it.
 */
import { z } from 'zod';
import { DigestSchema, type SlotState } from '#contract';
import type { Sqlite } from '#core/platform';
import type { DeviceStore } from './device-store.ts';

/** Where a bundle stands on a device that may still need it from here. */
export const NEEDED_STATES: readonly SlotState[] = ['receiving', 'verifying', 'testing', 'activating', 'on trial', 'active', 'previous'];

/** As much of an order as matters here. */
const OrderSchema = z.object({ manifest: z.object({ digest: DigestSchema }), blobs: z.array(z.object({ digest: DigestSchema })) });

/** @returns whether a blob is needed, as the database is at that moment */
export function neededBlobs(db: Sqlite, devices: DeviceStore): (digest: string) => boolean {
  const open = db.prepare<[], { order_json: string }>('SELECT order_json FROM deployments WHERE ended_at IS NULL');
  const sent = db.prepare<[string, string], { order_json: string }>(
    `SELECT order_json FROM deployments WHERE device_id = ? AND json_extract(order_json, '$.manifest.digest') = ?
     ORDER BY started_at DESC LIMIT 1`,
  );
  const ownChanges = db.prepare<[], { n: number }>('SELECT total_changes() AS n');
  let seen = { mark: '', needed: new Set<string>() };

  function read(): Set<string> {
    const needed = new Set<string>();
    const orders = open.all();
    for (const row of devices.all()) {
      for (const { digest, state } of devices.status(row.id)?.bundles ?? []) {
        if (!NEEDED_STATES.includes(state)) continue;
        needed.add(digest);
        orders.push(...sent.all(row.id, digest));
      }
    }
    for (const { order_json } of orders) {
      const { manifest, blobs } = OrderSchema.parse(JSON.parse(order_json));
      for (const { digest } of [manifest, ...blobs]) needed.add(digest);
    }
    return needed;
  }

  return (digest) => {
    // Both together change whenever the database does, through whichever connection.
    const mark = `${String(db.pragma('data_version', { simple: true }))} ${ownChanges.get()?.n ?? 0}`;
    if (seen.mark !== mark) seen = { mark, needed: read() };
    return seen.needed.has(digest);
  };
}
