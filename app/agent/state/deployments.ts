/** Deployments and slots as rows, read. `ledger.ts` moves them. */
import { ErrorBodySchema, type ErrorBody } from '#contract';
import { type AgentDeploymentState, AgentDeploymentStateSchema, type Descriptor, type DeploymentOrder, DeploymentOrderSchema } from '#core/protocol';
import type { Sqlite } from '#core/platform';
import { NoteSchema } from '#core/trust';
import { z } from 'zod';

/** The administrator who ordered a deployment, with the grant it rests on. */
const AuthoritySchema = z.object({ key: z.string(), name: z.string(), grant: NoteSchema });
export type Authority = z.infer<typeof AuthoritySchema>;

/** How far the watch of a deployment on trial has come. */
export interface TrialProgress {
  /** Time on trial while the agent ran, in ms. */
  ms: number;
  requests: number;
  failures: number;
  /** Times the runner died. */
  crashes: number;
}

export interface DeploymentRecord {
  seq: number;
  id: string;
  model: string;
  version: string;
  variant: string;
  /** Digest of the variant's manifest. */
  digest: string;
  order: DeploymentOrder;
  /** Absent: the workspace itself ordered it. */
  by: Authority | undefined;
  state: AgentDeploymentState;
  error: ErrorBody | undefined;
  createdAt: number;
  updatedAt: number;
  attempts: number;
  trial: TrialProgress;
  /** Starts of the agent after an unclean end, while this was on trial. */
  trialStarts: number;
}

export interface Slot {
  model: string;
  /** Deployment that serves. */
  serving: string | undefined;
  /** Deployment that serves again after a rollback. */
  previous: string | undefined;
}

interface DeploymentRow {
  seq: number;
  id: string;
  model: string;
  version: string;
  variant: string;
  digest: string;
  decision: string;
  authority: string | null;
  state: string;
  error: string | null;
  created_at: number;
  updated_at: number;
  attempts: number;
  trial_ms: number;
  trial_requests: number;
  trial_failures: number;
  trial_crashes: number;
  trial_starts: number;
}

/** Deployments whose blobs must stay: on their way, serving, or the one before. */
const LIVE = `(d.state IN ('receiving','verifying','testing','activating')
  OR EXISTS (SELECT 1 FROM slots s WHERE s.serving = d.id OR s.previous = d.id))`;

export class Deployments {
  protected readonly db: Sqlite;

  constructor(db: Sqlite) {
    this.db = db;
  }

  get(id: string): DeploymentRecord | undefined {
    const row = this.db.prepare<[string], DeploymentRow>('SELECT * FROM deployments WHERE id = ?').get(id);
    return row && toRecord(row);
  }

  /** Every deployment of one model that is kept on record, oldest first. */
  ofModel(model: string): DeploymentRecord[] {
    return this.db.prepare<[string], DeploymentRow>('SELECT * FROM deployments WHERE model = ? ORDER BY seq').all(model).map(toRecord);
  }

  all(): DeploymentRecord[] {
    return this.db.prepare<[], DeploymentRow>('SELECT * FROM deployments ORDER BY seq').all().map(toRecord);
  }

  /** The newest deployment of the model that is on its way; there is at most one. */
  candidate(model: string): DeploymentRecord | undefined {
    const row = this.db
      .prepare<[string], DeploymentRow>(
        "SELECT * FROM deployments WHERE model = ? AND state IN ('receiving','verifying','testing','activating') ORDER BY seq DESC LIMIT 1",
      )
      .get(model);
    return row && toRecord(row);
  }

  /** Everything that is on its way. */
  candidates(): DeploymentRecord[] {
    return this.models().flatMap((model) => this.candidate(model) ?? []);
  }

  slot(model: string): Slot {
    const row = this.db
      .prepare<[string], { serving: string | null; previous: string | null }>('SELECT serving, previous FROM slots WHERE model = ?')
      .get(model);
    return { model, serving: row?.serving ?? undefined, previous: row?.previous ?? undefined };
  }

  slots(): Slot[] {
    const rows = this.db.prepare<[], { model: string; serving: string | null; previous: string | null }>('SELECT * FROM slots ORDER BY model').all();
    return rows.map((row) => ({ model: row.model, serving: row.serving ?? undefined, previous: row.previous ?? undefined }));
  }

  /** Every model this device has ever heard of and still keeps something of. */
  models(): string[] {
    return this.db
      .prepare<[], { model: string }>('SELECT model FROM deployments UNION SELECT model FROM slots ORDER BY model')
      .all()
      .map((row) => row.model);
  }

  blobsOf(id: string): Descriptor[] {
    return this.db.prepare<[string], Descriptor>('SELECT digest, size FROM deployment_blobs WHERE deployment = ? ORDER BY digest').all(id);
  }

  /** The size an accepted deployment of this model that still receives gives for the digest; undefined: nobody asked for it. */
  expectedSize(model: string, digest: string): number | undefined {
    const row = this.db
      .prepare<[string, string], { size: number }>(
        "SELECT b.size FROM deployment_blobs b JOIN deployments d ON d.id = b.deployment WHERE d.model = ? AND b.digest = ? AND d.state = 'receiving' LIMIT 1",
      )
      .get(model, digest);
    return row?.size;
  }

  /** Deployments of this model that still receive. */
  receiving(model: string): DeploymentRecord[] {
    return this.db.prepare<[string], DeploymentRow>("SELECT * FROM deployments WHERE model = ? AND state = 'receiving' ORDER BY seq").all(model).map(toRecord);
  }

  /** Whether a blob belongs to anything that is on its way, serves, or may serve again. */
  isLive(digest: string): boolean {
    return (
      this.db
        .prepare<[string], { one: number }>(
          `SELECT 1 AS one FROM deployment_blobs b JOIN deployments d ON d.id = b.deployment WHERE b.digest = ? AND ${LIVE} LIMIT 1`,
        )
        .get(digest) !== undefined
    );
  }

  isLiveDeployment(id: string): boolean {
    return this.db.prepare<[string], { one: number }>(`SELECT 1 AS one FROM deployments d WHERE d.id = ? AND ${LIVE}`).get(id) !== undefined;
  }

  floor(model: string): string | undefined {
    return this.db.prepare<[string], { version: string }>('SELECT version FROM floors WHERE model = ?').get(model)?.version;
  }
}

/** `digits@1.0.0#fp32` */
export function refOf(record: Pick<DeploymentRecord, 'model' | 'version' | 'variant'>): string {
  return `${record.model}@${record.version}#${record.variant}`;
}

function toRecord(row: DeploymentRow): DeploymentRecord {
  return {
    seq: row.seq,
    id: row.id,
    model: row.model,
    version: row.version,
    variant: row.variant,
    digest: row.digest,
    order: DeploymentOrderSchema.parse(JSON.parse(row.decision)),
    by: row.authority === null ? undefined : AuthoritySchema.parse(JSON.parse(row.authority)),
    state: AgentDeploymentStateSchema.parse(row.state),
    error: row.error === null ? undefined : ErrorBodySchema.parse(JSON.parse(row.error)),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    attempts: row.attempts,
    trial: { ms: row.trial_ms, requests: row.trial_requests, failures: row.trial_failures, crashes: row.trial_crashes },
    trialStarts: row.trial_starts,
  };
}
