/** Devices and their history in the database. Rows in, contract shapes out. */
import { type Device, type DeviceDetail, type DeviceEvent, EdgewrightError } from '#contract';
import type { Sqlite } from '#core/platform';
import { MAX_KEPT_EVENTS, MAX_SHOWN_EVENTS, SEEN_FOR_MS } from './limits.ts';
import { type AgentStatus, AgentStatusSchema } from '#core/protocol';

export interface DeviceRow {
  id: string;
  name: string;
  management: string;
  inference: string;
  certificate: string;
  enrolled_at: number;
  practice: number;
  state: Device['state'];
  problem: string | null;
  last_seen_at: number | null;
  status: string | null;
  /** Id of the workspace it belongs to; null: ours. */
  workspace: string | null;
  /** What that workspace is called here. */
  workspace_name: string | null;
  /** Counter of the last order that we signed for it. */
  last_order: number;
  /** Counter of the newest statement about our administrators that it is known to hold. */
  told: number;
}

export interface DeviceStore {
  all(): DeviceRow[];
  /** By name or id. @throws device.unknown (owner usage) */
  find(nameOrId: string): DeviceRow;
  byId(id: string): DeviceRow | undefined;
  byName(name: string): DeviceRow | undefined;
  insert(row: Pick<DeviceRow, 'id' | 'name' | 'management' | 'inference' | 'certificate' | 'enrolled_at'> & { practice: boolean; workspace?: string }): void;
  /** Where a device of another workspace is reached now. */
  moved(id: string, to: { management: string; inference: string }): void;
  /** The next counter for an order to it: above all that we signed and that it says it took. */
  nextOrder(id: string): number;
  /** It holds our statement with this counter. */
  told(id: string, counter: number): void;
  remove(id: string): void;
  /** It answered. Returns whether anything a person sees has changed. */
  seen(id: string, status: AgentStatus, at: number): boolean;
  /** It did not answer, or not as ours. Returns whether that is news. */
  missed(id: string, state: 'not seen' | 'does not trust us', problem: string): boolean;
  lastSeq(id: string): number;
  /** Adds what is new; an event that is there already is left alone. Returns how many were new. */
  addEvents(id: string, events: readonly DeviceEvent[]): number;
  status(id: string): AgentStatus | undefined;
  toDevice(row: DeviceRow, now: number): Device;
  toDetail(row: DeviceRow, now: number): DeviceDetail;
}

export function deviceStore(db: Sqlite): DeviceStore {
  const select = 'SELECT d.*, m.name AS workspace_name FROM devices d LEFT JOIN memberships m ON m.workspace_id = d.workspace';
  const all = db.prepare<[], DeviceRow>(`${select} ORDER BY d.name`);
  const byId = db.prepare<[string], DeviceRow>(`${select} WHERE d.id = ?`);
  const byName = db.prepare<[string], DeviceRow>(`${select} WHERE d.name = ?`);
  const insert = db.prepare(
    `INSERT INTO devices (id, name, management, inference, certificate, enrolled_at, practice, workspace, state)
     VALUES (@id, @name, @management, @inference, @certificate, @enrolled_at, @practice, @workspace, 'not seen')`,
  );
  const moved = db.prepare<[string, string, string]>('UPDATE devices SET management = ?, inference = ? WHERE id = ?');
  const ordered = db.prepare<[number, string], { last_order: number }>(
    'UPDATE devices SET last_order = max(last_order, ?) + 1 WHERE id = ? RETURNING last_order',
  );
  const told = db.prepare<[number, string]>('UPDATE devices SET told = ? WHERE id = ?');
  const remove = db.prepare<[string]>('DELETE FROM devices WHERE id = ?');
  const seen = db.prepare<[string, string, number, string]>(
    "UPDATE devices SET state = 'reachable', problem = NULL, status = ?, inference = ?, last_seen_at = ? WHERE id = ?",
  );
  const missed = db.prepare<[string, string, string]>('UPDATE devices SET state = ?, problem = ? WHERE id = ?');
  const lastSeq = db.prepare<[string], { seq: number | null }>('SELECT max(seq) AS seq FROM device_events WHERE device = ?');
  const addEvent = db.prepare<[string, number, number, string, string | null, string]>(
    'INSERT INTO device_events (device, seq, at, kind, model, message) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const trim = db.prepare<[string, number]>('DELETE FROM device_events WHERE device = ? AND seq <= ?');
  const events = db.prepare<[string, number], { seq: number; at: number; kind: string; model: string | null; message: string }>(
    'SELECT seq, at, kind, model, message FROM device_events WHERE device = ? ORDER BY seq DESC LIMIT ?',
  );

  const statusOf = (row: DeviceRow): AgentStatus | undefined => {
    if (row.status === null) return undefined;
    const parsed = AgentStatusSchema.safeParse(JSON.parse(row.status));
    return parsed.success ? parsed.data : undefined;
  };

  function toDevice(row: DeviceRow, now: number): Device {
    const status = statusOf(row);
    // A stored "reachable" is only as good as it is fresh: nobody may have asked for days.
    const stale = row.state === 'reachable' && now - (row.last_seen_at ?? 0) > SEEN_FOR_MS;
    return {
      id: row.id,
      name: row.name,
      management: `https://${row.management}`,
      inference: `http://${row.inference}`,
      state: stale ? 'not seen' : row.state,
      enrolledAt: row.enrolled_at,
      practice: row.practice === 1,
      bundles: status?.bundles ?? [],
      serving: status?.serving ?? [],
      ...(row.last_seen_at !== null && { lastSeenAt: row.last_seen_at }),
      ...(status && { agentVersion: status.agentVersion, diskFreeBytes: status.diskFreeBytes }),
      ...(row.problem !== null && { problem: row.problem }),
      ...(row.workspace_name !== null && { workspace: row.workspace_name }),
    };
  }

  const addEvents = db.transaction((id: string, list: readonly DeviceEvent[]) => {
    let added = 0;
    for (const e of list) added += addEvent.run(id, e.seq, e.at, e.kind, e.model ?? null, e.message).changes;
    const newest = list.at(-1)?.seq;
    if (newest !== undefined) trim.run(id, newest - MAX_KEPT_EVENTS);
    return added;
  });

  return {
    all: () => all.all(),
    byId: (id) => byId.get(id),
    byName: (name) => byName.get(name),
    find(nameOrId) {
      const row = byName.get(nameOrId) ?? byId.get(nameOrId);
      if (row) return row;
      const names = all.all().map((r) => r.name);
      throw new EdgewrightError({
        code: 'device.unknown',
        message: `There is no device "${nameOrId.slice(0, 100)}" in this workspace.`,
        ...(names.length > 0 && { expected: names.slice(0, 20).join(', ') }),
        hint: names.length > 0 ? 'See edgewright device list.' : 'Add one with edgewright device add ADDRESS --name NAME --code-file FILE.',
        owner: 'usage',
      });
    },
    insert: (row) => void insert.run({ ...row, practice: row.practice ? 1 : 0, workspace: row.workspace ?? null }),
    moved: (id, to) => void moved.run(to.management, to.inference, id),
    nextOrder(id) {
      const row = byId.get(id);
      return ordered.get((row && statusOf(row)?.lastOrder) ?? 0, id)?.last_order ?? 1;
    },
    told: (id, counter) => void told.run(counter, id),
    remove: (id) => void remove.run(id),
    seen(id, status, at) {
      const before = byId.get(id);
      if (!before) return false;
      const inference = status.inference.replace(/^https?:\/\//, '');
      seen.run(JSON.stringify(status), inference, at, id);
      const was = statusOf(before);
      return before.state !== 'reachable' || was === undefined || visible(was) !== visible(status);
    },
    missed(id, state, problem) {
      const before = byId.get(id);
      if (!before || (before.state === state && before.problem === problem)) return false;
      missed.run(state, problem, id);
      return true;
    },
    lastSeq: (id) => lastSeq.get(id)?.seq ?? 0,
    addEvents: (id, list) => addEvents.immediate(id, list),
    status(id) {
      const row = byId.get(id);
      return row && statusOf(row);
    },
    toDevice,
    toDetail(row, now) {
      const hardware = statusOf(row)?.hardware;
      const history = events
        .all(row.id, MAX_SHOWN_EVENTS)
        .reverse()
        .map(({ model, ...e }) => ({ ...e, ...(model !== null && { model }) }));
      return { ...toDevice(row, now), ...(hardware && { hardware }), events: history };
    },
  };
}

/** The part of a status whose change is worth telling a screen: not the clock, not the free disk to the byte. */
function visible(status: AgentStatus): string {
  return JSON.stringify([
    status.name,
    status.agentVersion,
    status.bundles,
    status.serving,
    status.lastEventSeq,
    status.hardware?.detectedAt,
    status.administrators,
  ]);
}
