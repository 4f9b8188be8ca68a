/** Trials are kept for good, so that results of another day can be compared. One row each; the document is the contract's Trial. */
import { EdgewrightError, type Trial, TrialSchema, type TrialSummary } from '#contract';
import { type Migration, openSqlite, type Sqlite } from '#core/platform';
import { MAX_LISTED_TRIALS } from './limits.ts';
import { passes } from './verdict.ts';

const MIGRATIONS: readonly Migration[] = [
  {
    name: 'trials',
    sql: `
      CREATE TABLE trials (
        id TEXT PRIMARY KEY, bundle TEXT NOT NULL, state TEXT NOT NULL, started_at INTEGER NOT NULL, document TEXT NOT NULL
      ) STRICT;
      CREATE INDEX trials_by_bundle ON trials (bundle, started_at);`,
  },
  {
    name: 'latency samples',
    sql: `
      CREATE TABLE samples (
        trial TEXT NOT NULL REFERENCES trials (id) ON DELETE CASCADE, variant TEXT NOT NULL, machine TEXT NOT NULL,
        ms BLOB NOT NULL, PRIMARY KEY (trial, variant, machine)
      ) STRICT;`,
  },
];

export class TrialStore {
  readonly #db: Sqlite;

  constructor(path: string) {
    this.#db = openSqlite(path, MIGRATIONS);
  }

  save(trial: Trial): void {
    this.#db
      .prepare(
        `INSERT INTO trials VALUES (@id, @ref, @state, @startedAt, @document)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, document = excluded.document`,
      )
      .run({ id: trial.id, ref: trial.ref, state: trial.state, startedAt: trial.startedAt, document: JSON.stringify(trial) });
  }

  /** Every counted run in ms, in the order taken: what the percentiles were computed from. Float64, little endian. */
  saveSamples(id: string, variant: string, machine: string, samplesMs: Float64Array): void {
    const bytes = Buffer.from(samplesMs.buffer, samplesMs.byteOffset, samplesMs.byteLength);
    this.#db.prepare('INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?)').run(id, variant, machine, bytes);
  }

  samples(id: string): { variant: string; machine: string; ms: number[] }[] {
    const rows = this.#db.prepare('SELECT variant, machine, ms FROM samples WHERE trial = ? ORDER BY variant, machine').all(id) as {
      variant: string;
      machine: string;
      ms: Buffer;
    }[];
    return rows.map(({ variant, machine, ms }) => ({ variant, machine, ms: [...new Float64Array(new Uint8Array(ms).buffer)] }));
  }

  /** @throws usage.unknown-trial */
  show(id: string): Trial {
    const row = this.#db.prepare('SELECT document FROM trials WHERE id = ?').get(id) as { document: string } | undefined;
    if (!row)
      throw new EdgewrightError({
        code: 'usage.unknown-trial',
        message: `There is no trial ${id}.`,
        hint: 'edgewright trial --list shows those there are.',
        owner: 'usage',
      });
    return TrialSchema.parse(JSON.parse(row.document));
  }

  /** Newest first. */
  list(): TrialSummary[] {
    const rows = this.#db.prepare('SELECT document FROM trials ORDER BY started_at DESC LIMIT ?').all(MAX_LISTED_TRIALS) as { document: string }[];
    return rows.map((row) => {
      const trial = TrialSchema.parse(JSON.parse(row.document));
      return {
        id: trial.id,
        ref: trial.ref,
        state: trial.state,
        startedAt: trial.startedAt,
        ...(trial.endedAt !== undefined && { endedAt: trial.endedAt }),
        ...(trial.verdict && { verdict: trial.verdict }),
        variantNames: trial.variants.map((v) => v.name),
      };
    });
  }

  /** The variant that the newest finished trial of `name@version` chose. */
  chosen(ref: string): string | undefined {
    return this.list().find((t) => t.ref === ref && t.state === 'done')?.verdict?.chosen;
  }

  /** What the newest finished trial of `name@version` with this variant in it says of it; undefined where there was none. */
  verdictOn(ref: string, variant: string): { pass: boolean; reason: string } | undefined {
    const newest = this.list().find((t) => t.ref === ref && t.state === 'done' && t.variantNames.includes(variant));
    const found = newest && this.show(newest.id).variants.find((v) => v.name === variant);
    if (!found) return undefined;
    // A trial may choose what no golden set proves; what is sent to a device must be proven.
    if (!found.golden && found.stage === 'done')
      return { pass: false, reason: 'the bundle has no golden set, so its last trial proves nothing for another machine' };
    if (passes(found)) return { pass: true, reason: 'it passed its last trial' };
    const failed = found.gates.find((g) => !g.pass);
    if (found.stage !== 'done') return { pass: false, reason: `its last trial did not end well: ${found.error?.message ?? 'it was not run to its end'}` };
    if (found.golden?.pass !== true)
      return { pass: false, reason: `it broke its golden rule in its last trial: ${found.golden?.worst ?? 'the outputs differ'}` };
    return { pass: false, reason: `it missed "${failed?.gate}" in its last trial (${failed?.value})` };
  }

  anyRunning(): boolean {
    return this.#db.prepare("SELECT 1 FROM trials WHERE state = 'running' LIMIT 1").get() !== undefined;
  }

  /** A trial that says `running` when nobody runs it was cut off: by a crash, or a power cut. */
  markInterrupted(): void {
    const rows = this.#db.prepare("SELECT document FROM trials WHERE state = 'running'").all() as { document: string }[];
    for (const row of rows) {
      const trial = TrialSchema.parse(JSON.parse(row.document));
      const { jobId: _gone, ...rest } = trial;
      this.save({
        ...rest,
        state: 'interrupted',
        variants: trial.variants.map((v) => (v.stage === 'done' || v.stage === 'failed' ? v : { ...v, stage: 'not run' })),
      });
    }
  }

  close(): void {
    this.#db.close();
  }
}
