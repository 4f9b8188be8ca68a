/** What a device keeps of administrators: counters that only go up, keys that stay revoked, a clock that cannot be set back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, type Sqlite, systemClock } from '#core/platform';
import { type Note, noteDigest, type Revocations } from '#core/trust';
import { AdministratorStore } from '../../../app/agent/state/administrators.ts';
import { openAgentDatabase } from '../../../app/agent/state/database.ts';

const AT = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const KEYS = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64));

let dir: string;
let db: Sqlite;
let now: number;
let store: AdministratorStore;
const clock: Clock = { ...systemClock, now: () => now };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-administrators-'));
  db = openAgentDatabase(dir);
  now = AT;
  store = new AdministratorStore(db, clock);
});
afterEach(async () => {
  db.close();
  await rm(dir, { recursive: true, force: true });
});

/** The store checks no signature: whoever calls it has. */
const noteOf = (statement: Revocations): Note => ({
  payloadType: 'application/vnd.edgewright.revocations.v1+json',
  payload: Buffer.from(JSON.stringify(statement)).toString('base64'),
  signatures: [{ keyid: '', sig: '' }],
});
const statement = (counter: number, keys: readonly string[], at = AT): Revocations => ({
  v: 1,
  workspaceId: '0'.repeat(32),
  counter,
  at,
  revoked: keys.map((key) => ({ key, at })),
});
const take = (one: Revocations) => store.take(noteOf(one), one);
const standing = (key: string, more: { issuedAt?: number; until?: number } = {}) => ({ key, issuedAt: AT, until: AT + 30 * DAY_MS, ...more });

test('whatever comes in whatever order, the counter never goes back and no key comes back, over restarts too', () => {
  const step = fc.record({ counter: fc.integer({ min: 1, max: 8 }), keys: fc.subarray(KEYS), restart: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      store.reset();
      let highest = 0;
      const revoked = new Set<string>();
      for (const { counter, keys, restart } of steps) {
        const said = statement(counter, keys);
        const taken = take(said);
        expect(taken !== undefined).toBe(counter > highest);
        if (taken) {
          expect(taken.sort()).toEqual(keys.filter((key) => !revoked.has(key)).sort());
          for (const key of keys) revoked.add(key);
          highest = counter;
        }
        if (restart) {
          db.close();
          db = openAgentDatabase(dir);
          store = new AdministratorStore(db, clock);
        }
        expect(store.statement().counter).toBe(highest);
        expect(store.revoked()).toEqual(revoked);
      }
    }),
    { numRuns: 40 },
  );
});

test('the orders of each administrator count for themselves, each once and upwards', () => {
  const [b = '', c = ''] = KEYS;
  store.count(b, 'bob', 3);
  store.count(c, 'carol', 1);
  for (const old of [3, 2, 0]) expect(() => store.count(b, 'bob', old)).toThrow(expect.objectContaining({ code: 'trust.order-replayed', owner: 'trust' }));
  store.count(b, 'bob', 4);
  expect([store.lastOrder(b), store.lastOrder(c), store.lastOrder('nobody')]).toEqual([4, 1, 0]);
});

test('a counter stands or falls with the order it belongs to', () => {
  const [b = ''] = KEYS;
  const work = db.transaction(() => {
    store.count(b, 'bob', 9);
    throw new Error('the disk is full');
  });
  expect(() => work.immediate()).toThrow('the disk is full');
  expect(store.lastOrder(b)).toBe(0);
});

test('a clock that is set back lets nobody in whose time has ended', () => {
  const [b = '', c = ''] = KEYS;
  store.check(standing(b));
  store.came(b);
  now = AT + 40 * DAY_MS;
  expect(() => store.check(standing(b))).toThrow(expect.objectContaining({ code: 'trust.grant-expired' }));
  // Another comes, and that moment is known to have passed.
  store.check(standing(c, { until: AT + 60 * DAY_MS }));
  store.came(c);
  now = AT + 10 * DAY_MS;
  expect(() => store.check(standing(b))).toThrow(expect.objectContaining({ code: 'trust.clock-behind' }));
  now = AT + 41 * DAY_MS;
  store.check(standing(c, { until: AT + 60 * DAY_MS }));
});

test('the time of a statement has passed too', () => {
  const [b = ''] = KEYS;
  take(statement(1, [], AT + 5 * DAY_MS));
  expect(() => store.check(standing(b))).toThrow(expect.objectContaining({ code: 'trust.clock-behind' }));
  now = AT + 5 * DAY_MS;
  store.check(standing(b));
});

test('a device that belongs to a workspace anew knows what that one says, and nothing of before', () => {
  const [b = '', c = ''] = KEYS;
  take(statement(7, [b]));
  store.count(c, 'carol', 5);
  const said = statement(2, [c]);
  store.reset({ note: noteOf(said), revocations: said });
  expect(store.report()).toEqual({ counter: 2, statement: noteDigest(noteOf(said)), seen: [] });
  expect(store.revoked()).toEqual(new Set([c]));
  expect(store.lastOrder(c)).toBe(0);
});

test('a database that lacks the counter lets nobody in', () => {
  db.exec('DELETE FROM administration');
  expect(() => store.check(standing(KEYS[0] ?? ''))).toThrow(expect.objectContaining({ code: 'machine.database-damaged' }));
});
