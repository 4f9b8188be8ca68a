/** Deployments in the database, and begun uploads. */
import { z } from 'zod';
import { type Deployment, DeploymentStateSchema, DigestSchema, EdgewrightError, type ErrorBody, ErrorBodySchema } from '#contract';
import type { Sqlite } from '#core/platform';
import type { UploadMemory } from '#core/distribution';
import { MAX_SHOWN_DEPLOYMENTS } from './limits.ts';
import { type DeploymentOrder, DeploymentOrderSchema } from '#core/protocol';

export type DeploymentState = Deployment['state'];

/** A deployment with what only we need to carry it out. */
export interface DeploymentRecord extends Deployment {
  deviceId: string;
  order: DeploymentOrder;
  /** Those of its blobs that are OCI manifests, in the order they are pushed: the variant's own last. */
  manifests: string[];
  /** Why it is sent although a pre-flight check said no. */
  override?: string;
  cancelAsked: boolean;
}

interface Row {
  id: string;
  device_id: string;
  device: string;
  ref: string;
  order_json: string;
  manifests: string;
  state: string;
  started_at: number;
  ended_at: number | null;
  bytes_total: number;
  bytes_sent: number;
  seconds: number;
  job_id: string | null;
  serving: string | null;
  error: string | null;
  override: string | null;
  cancel_asked: number;
}

export interface DeploymentChange {
  state?: DeploymentState;
  endedAt?: number;
  bytesTotal?: number;
  bytesSent?: number;
  seconds?: number;
  /** null takes it away. */
  serving?: string | null;
  error?: ErrorBody | null;
  cancelAsked?: boolean;
}

export interface DeploymentStore {
  insert(record: DeploymentRecord): void;
  update(id: string, change: DeploymentChange): void;
  /** @throws deployment.unknown (owner usage) */
  get(id: string): DeploymentRecord;
  /** Newest first. */
  list(): DeploymentRecord[];
  /** Oldest first: all, or those of one device. */
  unfinished(deviceId?: string): DeploymentRecord[];
  /** Of one device and model, newest first. */
  ofModel(deviceId: string, model: string): DeploymentRecord[];
  uploads(deviceId: string): UploadMemory;
}

export function deploymentStore(db: Sqlite): DeploymentStore {
  const insert = db.prepare(
    `INSERT INTO deployments (id, device_id, device, ref, order_json, manifests, state, started_at, bytes_total, bytes_sent, seconds, job_id, override)
     VALUES (@id, @device_id, @device, @ref, @order_json, @manifests, @state, @started_at, @bytes_total, @bytes_sent, @seconds, @job_id, @override)`,
  );
  const one = db.prepare<[string], Row>('SELECT * FROM deployments WHERE id = ?');
  const list = db.prepare<[number], Row>('SELECT * FROM deployments ORDER BY started_at DESC, id DESC LIMIT ?');
  const ofDevice = db.prepare<[string, number], Row>('SELECT * FROM deployments WHERE device_id = ? ORDER BY started_at DESC, id DESC LIMIT ?');
  const open = db.prepare<[], Row>('SELECT * FROM deployments WHERE ended_at IS NULL ORDER BY started_at, id');
  const update = db.prepare(
    `UPDATE deployments SET state = @state, ended_at = @ended_at, bytes_total = @bytes_total, bytes_sent = @bytes_sent, seconds = @seconds,
     serving = @serving, error = @error, cancel_asked = @cancel_asked WHERE id = @id`,
  );
  const getUpload = db.prepare<[string, string], { location: string }>('SELECT location FROM uploads WHERE device = ? AND digest = ?');
  const setUpload = db.prepare<[string, string, string]>(
    'INSERT INTO uploads (device, digest, location) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET location = excluded.location',
  );
  const clearUpload = db.prepare<[string, string]>('DELETE FROM uploads WHERE device = ? AND digest = ?');

  const get = (id: string): DeploymentRecord => {
    const row = one.get(id);
    if (row) return toRecord(row);
    throw new EdgewrightError({ code: 'deployment.unknown', message: `There is no deployment ${id.slice(0, 100)}.`, owner: 'usage' });
  };

  return {
    insert(r) {
      insert.run({
        id: r.id,
        device_id: r.deviceId,
        device: r.device,
        ref: r.ref,
        order_json: JSON.stringify(r.order),
        manifests: JSON.stringify(r.manifests),
        state: r.state,
        started_at: r.startedAt,
        bytes_total: r.bytesTotal,
        bytes_sent: r.bytesSent,
        seconds: r.seconds,
        job_id: r.jobId ?? null,
        override: r.override ?? null,
      });
    },
    update(id, change) {
      const now = get(id);
      const serving = change.serving === undefined ? now.serving : change.serving;
      const error = change.error === undefined ? now.error : change.error;
      update.run({
        id,
        state: change.state ?? now.state,
        ended_at: change.endedAt ?? now.endedAt ?? null,
        bytes_total: change.bytesTotal ?? now.bytesTotal,
        bytes_sent: change.bytesSent ?? now.bytesSent,
        seconds: change.seconds ?? now.seconds,
        serving: serving ?? null,
        error: error ? JSON.stringify(error) : null,
        cancel_asked: (change.cancelAsked ?? now.cancelAsked) ? 1 : 0,
      });
    },
    get,
    list: () => list.all(MAX_SHOWN_DEPLOYMENTS).map(toRecord),
    unfinished: (deviceId) =>
      open
        .all()
        .filter((row) => deviceId === undefined || row.device_id === deviceId)
        .map(toRecord),
    ofModel: (deviceId, model) =>
      ofDevice
        .all(deviceId, MAX_SHOWN_DEPLOYMENTS)
        .map(toRecord)
        .filter((r) => r.order.name === model),
    uploads: (deviceId) => ({
      get: (digest) => getUpload.get(deviceId, digest)?.location,
      set: (digest, location) => void setUpload.run(deviceId, digest, location),
      clear: (digest) => void clearUpload.run(deviceId, digest),
    }),
  };
}

function toRecord(row: Row): DeploymentRecord {
  const order = DeploymentOrderSchema.parse(JSON.parse(row.order_json));
  return {
    id: row.id,
    device: row.device,
    deviceId: row.device_id,
    ref: row.ref,
    variant: order.variant,
    digest: order.manifest.digest,
    order,
    manifests: z.array(DigestSchema).parse(JSON.parse(row.manifests)),
    state: DeploymentStateSchema.parse(row.state),
    startedAt: row.started_at,
    bytesTotal: row.bytes_total,
    bytesSent: row.bytes_sent,
    seconds: row.seconds,
    cancelAsked: row.cancel_asked === 1,
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
    ...(row.job_id !== null && { jobId: row.job_id }),
    ...(row.serving !== null && { serving: row.serving }),
    ...(row.error !== null && { error: ErrorBodySchema.parse(JSON.parse(row.error)) }),
    ...(row.override !== null && { override: row.override }),
  };
}

/** What others see of it. */
export function toDeployment(record: DeploymentRecord): Deployment {
  const { deviceId: _deviceId, order: _order, manifests: _manifests, override: _override, cancelAsked: _cancelAsked, ...deployment } = record;
  return deployment;
}
