import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AuditAct, AuditLog, exportLog, type Keyring, openKeyring, verifyExport, verifyLog } from '#core/trust';

let dir: string;
let keyring: Keyring;
let now: number;
let open: AuditLog[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-audit-'));
  keyring = await openKeyring(join(dir, 'keys'));
  now = 1_000_000;
  open = [];
});
afterEach(async () => {
  for (const log of open) log.db.close();
  await rm(dir, { recursive: true, force: true });
});

function audit(options: { keyring?: Keyring } = {}): AuditLog {
  const log = new AuditLog({
    path: join(dir, 'audit.db'),
    archive: join(dir, 'audit'),
    keyring: options.keyring ?? keyring,
    clock: { now: () => now, monotonic: () => now },
  });
  open.push(log);
  return log;
}

const act = (message: string, more: Partial<AuditAct> = {}): AuditAct => ({ actor: 'command line', kind: 'bundle.built', message, ...more });

/** A log of `n` lines. */
function logOf(n: number): AuditLog {
  const log = audit();
  for (let i = 1; i <= n; i++) log.append(act(`act ${i}`, i % 2 === 0 ? { digest: `sha256:${'a'.repeat(64)}`, link: '/bundles' } : {}));
  return log;
}

/** As somebody would who can write the file: past the triggers. */
function tamper(log: AuditLog, sql: string, ...values: unknown[]): void {
  for (const trigger of ['lines_fixed', 'lines_kept', 'lines_in_order', 'head_forward', 'head_kept']) log.db.exec(`DROP TRIGGER IF EXISTS ${trigger}`);
  log.db.prepare(sql).run(...values);
}

test('lines are numbered, chained, signed, and read back newest first', async () => {
  const log = logOf(3);
  expect(log.list({ limit: 10 })).toMatchObject([
    { seq: 3, message: 'act 3', at: 1_000_000, actor: 'command line', user: expect.stringMatching(/^.+@.+$/) },
    { seq: 2, message: 'act 2', link: '/bundles', digest: `sha256:${'a'.repeat(64)}` },
    { seq: 1, message: 'act 1' },
  ]);
  expect(log.list({ before: 3, limit: 1 })).toMatchObject([{ seq: 2 }]);
  expect(await verifyLog(log)).toEqual({ lines: 3, signed: { seq: 3, at: 1_000_000 }, unsigned: 0, missingArchives: [], clockBack: 0 });
  // It goes on where it was after a restart.
  log.close();
  expect(audit().append(act('later'))).toBe(4);
});

test('what was only asked for is there, and shown when asked for', () => {
  const log = audit();
  log.append(act('Asked', { phase: 'asked' }));
  log.append(act('Failed', { phase: 'failed' }));
  expect(log.list({ limit: 10 }).map((l) => l.message)).toEqual(['Failed']);
  expect(log.list({ limit: 10, asked: true }).map((l) => l.message)).toEqual(['Failed', 'Asked']);
});

test('whatever text an act brings, the line is sound, bounded, and exports and reads back the same', async () => {
  const log = audit();
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary', minLength: 100, maxLength: 5_000 }),
    fc.constantFrom('\u0000', '\ud800', '"\\\n\u2028', '__proto__'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ actor: text, kind: text, message: text, link: text, digest: text }), { minLength: 1, maxLength: 5 }),
      async (acts) => {
        for (const one of acts) log.append(one);
        const lines = log.list({ limit: acts.length }).reverse();
        acts.forEach((one, i) => {
          if (one.message.length < 2_000) expect(lines[i]?.message).toBe(one.message.toWellFormed());
          expect(lines[i]?.message.length).toBeLessThanOrEqual(2_000);
        });
      },
    ),
    { numRuns: 40 },
  );
  expect((await verifyLog(log)).problem).toBeUndefined();
  await exportLog(log, join(dir, 'log.jsonl'));
  expect((await verifyExport(join(dir, 'log.jsonl'), { publicKeyPem: keyring.publicKeyPem })).lines).toBe(log.head()?.seq);
});

describe('somebody who changes the database', () => {
  test('is refused by it', () => {
    const log = logOf(3);
    const refused = [
      'UPDATE lines SET entry = entry WHERE seq = 1',
      'DELETE FROM lines WHERE seq = 3',
      'DELETE FROM head',
      'UPDATE head SET seq = 1',
      "INSERT INTO lines (seq, hash, entry) VALUES (9, 'x', '{}')",
    ];
    for (const sql of refused) expect(() => log.db.exec(sql), sql).toThrow(/audit log/);
  });

  test.each<[string, (log: AuditLog) => void, number]>([
    ['edits a line', (log) => tamper(log, "UPDATE lines SET entry = replace(entry, 'act 3', 'act X') WHERE seq = 3"), 3],
    ['edits a line and its hash', (log) => rehash(log, 3), 4],
    ['takes one out', (log) => tamper(log, 'DELETE FROM lines WHERE seq = 3'), 3],
    ['takes the first out', (log) => tamper(log, 'DELETE FROM lines WHERE seq = 1'), 1],
    ['cuts the end', (log) => tamper(log, 'DELETE FROM lines WHERE seq > 3'), 4],
    ['cuts everything', (log) => tamper(log, 'DELETE FROM lines'), 1],
    ['takes the head away', (log) => tamper(log, 'DELETE FROM head'), 5],
    ['swaps two lines', (log) => tamper(log, 'UPDATE lines SET seq = CASE seq WHEN 2 THEN -3 WHEN 3 THEN -2 END WHERE seq IN (2, 3)'), 2],
    ['breaks the head', (log) => tamper(log, 'UPDATE head SET note = replace(note, \'sig":"\', \'sig":"A\')'), 5],
  ])('who %s is found out', async (_what, change, at) => {
    const log = logOf(5);
    change(log);
    expect((await verifyLog(log)).problem?.seq).toBe(at);
  });

  test('who cuts the end and puts an older head back is found out by the line that was signed after it', async () => {
    const log = logOf(3);
    const older = JSON.stringify(log.head()?.note);
    for (let i = 4; i <= 6; i++) log.append(act(`act ${i}`));
    tamper(log, 'UPDATE head SET seq = 3, note = ?', older);
    expect(await verifyLog(log)).toMatchObject({ problem: { seq: 6, problem: expect.stringContaining('signed head is of line 3') } });
    // With the lines gone too nothing inside shows it any more: an export of before does.
    tamper(log, 'DELETE FROM lines WHERE seq > 3');
    expect((await verifyLog(log)).problem).toBeUndefined();
  });

  test('who signs it all with another key is found out', async () => {
    const other = await openKeyring(join(dir, 'other'));
    const log = audit({ keyring: other });
    log.append(act('one'));
    log.db.close();
    expect(await verifyLog(audit())).toMatchObject({ problem: { seq: 1, problem: expect.stringContaining('not signed by') } });
  });

  test.each([
    ['the end is cut', 'DELETE FROM lines WHERE seq > 3', 3],
    ['the head is gone', 'DELETE FROM head', 5],
  ])('cannot have the next act vouch for what is left: where %s nothing is added until a person decides', (_what, sql, left) => {
    const log = logOf(5);
    tamper(log, sql);
    log.db.close();
    const again = audit();
    expect(() => again.append(act('next'))).toThrow(expect.objectContaining({ code: 'machine.audit-failed', owner: 'machine' }));
    expect(again.list({ limit: 9 })).toHaveLength(left);
  });
});

test('an earlier export shows a log that was replaced', async () => {
  const log = logOf(4);
  await exportLog(log, join(dir, 'then.jsonl'));
  const { head } = await verifyExport(join(dir, 'then.jsonl'), { publicKeyPem: keyring.publicKeyPem });
  log.append(act('later'));
  expect((await verifyLog(log, { against: head })).problem).toBeUndefined();
  expect((await verifyLog(log, { against: { seq: 4, hash: 'f'.repeat(64) } })).problem?.seq).toBe(4);
  log.db.close();
  for (const name of ['audit.db', 'audit.db-wal', 'audit.db-shm']) await rm(join(dir, name), { force: true });
  now += 1;
  const fresh = logOf(6);
  expect((await verifyLog(fresh)).problem).toBeUndefined();
  expect(await verifyLog(fresh, { against: head })).toMatchObject({ problem: { seq: 4, problem: expect.stringContaining('known from elsewhere') } });
});

test('lines that are written while the keys are locked are covered once they are not', async () => {
  const first = logOf(2);
  first.close();
  await keyring.keep('passphrase', 'a passphrase for the log');
  const locked = await openKeyring(join(dir, 'keys'));
  const log = audit({ keyring: locked });
  log.append(act('while locked'));
  log.append(act('while locked'));
  expect(await verifyLog(log)).toMatchObject({ lines: 4, signed: { seq: 2 }, unsigned: 2 });
  await locked.unlock('a passphrase for the log');
  log.sign();
  expect(await verifyLog(log)).toMatchObject({ signed: { seq: 4 }, unsigned: 0 });
});

test('a clock that goes back changes no order, and is told', async () => {
  const log = logOf(2);
  now = 500;
  log.append(act('earlier by the clock'));
  now = 2_000_000;
  log.append(act('back again'));
  expect(log.list({ limit: 9 }).map((l) => l.seq)).toEqual([4, 3, 2, 1]);
  expect(await verifyLog(log)).toMatchObject({ clockBack: 1, lines: 4 });
});

test('a full disk adds nothing and says that the act cannot be done', async () => {
  const log = logOf(3);
  log.db.pragma(`max_page_count = ${String(log.db.pragma('page_count', { simple: true }))}`);
  expect(() => {
    for (let i = 0; i < 200; i++) log.append(act('x'.repeat(1_000)));
  }).toThrow(expect.objectContaining({ code: 'machine.audit-failed', message: expect.stringContaining('disk is full') }));
  log.db.pragma('max_page_count = 1000000');
  expect((await verifyLog(log)).problem).toBeUndefined();
  log.append(act('room again'));
  expect((await verifyLog(log)).unsigned).toBe(0);
});

describe('an export', () => {
  test('is whole, and no byte of it can be changed, taken out or added', async () => {
    const path = join(dir, 'log.jsonl');
    await exportLog(logOf(3), path);
    const good = await readFile(path);
    const key = { publicKeyPem: keyring.publicKeyPem };
    expect(await verifyExport(path, key)).toMatchObject({ workspaceId: keyring.workspaceId, after: { seq: 0 }, lines: 3, head: { seq: 3 } });
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ change;
        await writeFile(path, bad);
        const result = await verifyExport(path, key).catch((error: unknown) => error);
        // The last newline may be something else that JSON takes for a space.
        if (at === good.length - 1 && !(result instanceof Error)) return;
        // The base64 of the key may be wrapped otherwise and is still the same key.
        if (at < good.indexOf(10) && !(result instanceof Error)) return;
        expect(result, `byte ${at} changed by ${change}`).toMatchObject({ owner: 'trust' });
      }),
      { numRuns: 150 },
    );
    const lines = good.toString().trimEnd().split('\n');
    const without = (i: number) => `${lines.filter((_, at) => at !== i).join('\n')}\n`;
    for (let i = 0; i < lines.length; i++) {
      await writeFile(path, without(i));
      await expect(verifyExport(path, key), `without line ${i}`).rejects.toMatchObject({ owner: 'trust' });
    }
    await writeFile(path, good);
    await appendFile(path, `${lines[1]}\n`);
    await expect(verifyExport(path, key)).rejects.toMatchObject({ code: 'trust.audit-broken' });
    for (const text of ['', '\n', 'not json\n', '{"audit":1}\n']) {
      await writeFile(path, text);
      await expect(verifyExport(path, key)).rejects.toMatchObject({ code: 'trust.audit-broken' });
    }
  });

  test('is of this key and no other', async () => {
    const path = join(dir, 'log.jsonl');
    await exportLog(logOf(1), path);
    const other = await openKeyring(join(dir, 'other'));
    await expect(verifyExport(path, { publicKeyPem: other.publicKeyPem })).rejects.toMatchObject({ code: 'trust.audit-broken' });
  });

  test('of one endless line is refused in little memory', async () => {
    const path = join(dir, 'log.jsonl');
    await writeFile(path, 'x'.repeat(3_000_000));
    await expect(verifyExport(path, { publicKeyPem: keyring.publicKeyPem })).rejects.toMatchObject({ code: 'input.too-large' });
  });
});

test('beyond its bound the oldest lines move to an archive, and the whole is still verified and exported', async () => {
  const log = audit();
  log.begin(Array.from({ length: 20_000 }, (_, i) => ({ ...act(`act ${i + 1}`), at: now })));
  expect(await readdir(dir)).not.toContain('audit');
  log.append(act('one more'));
  expect(await readdir(join(dir, 'audit'))).toEqual(['000000001-000010000.jsonl']);
  expect(log.db.prepare('SELECT count(*) AS n FROM lines').get()).toEqual({ n: 10_001 });
  expect(await verifyLog(log)).toMatchObject({ lines: 20_001, unsigned: 0, missingArchives: [] });
  const path = join(dir, 'all.jsonl');
  expect(await exportLog(log, path)).toMatchObject({ from: 1, to: 20_001, unsigned: 0 });
  expect(await verifyExport(path, { publicKeyPem: keyring.publicKeyPem })).toMatchObject({ lines: 20_001 });

  const archive = join(dir, 'audit', '000000001-000010000.jsonl');
  const text = await readFile(archive, 'utf8');
  await writeFile(archive, text.replace('act 7777', 'act 7778'));
  expect((await verifyLog(log)).problem).toMatchObject({ seq: 1, problem: expect.stringContaining('7777') });
  await rm(archive);
  expect(await verifyLog(log)).toMatchObject({ lines: 20_001, missingArchives: ['000000001-000010000.jsonl'] });
  expect(await exportLog(log, path)).toMatchObject({ from: 10_001, to: 20_001 });
  expect(await verifyExport(path, { publicKeyPem: keyring.publicKeyPem })).toMatchObject({ lines: 10_001, after: { seq: 10_000 } });
  // What was archived may be deleted; nothing else may.
  expect(() => log.db.exec('DELETE FROM lines WHERE seq = 10001')).toThrow(/audit log/);
});

/** Somebody who knows how the hash is made. */
function rehash(log: AuditLog, seq: number): void {
  const { entry } = log.db.prepare<[number], { entry: string }>('SELECT entry FROM lines WHERE seq = ?').get(seq) ?? { entry: '' };
  const changed = entry.replace('act 3', 'lie 3');
  tamper(log, 'UPDATE lines SET entry = ?, hash = ? WHERE seq = ?', changed, createHash('sha256').update(changed).digest('hex'), seq);
}
