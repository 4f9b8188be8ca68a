/** The audit log as people and scripts meet it: through commands. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

let home: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  const made = await throwAwayDir('audit');
  home = join(made.dir, 'home');
  remove = made.remove;
});
afterEach(() => remove());

const SAMPLE = join(ROOT, 'assets', 'sample-bundle');
const run = (...args: string[]) => cli([...args, '--json'], { home });

async function lines(
  ...args: string[]
): Promise<{ seq: number; kind: string; message: string; user: string; actor: string; phase?: string; digest?: string }[]> {
  const result = (await run('audit', 'list', ...args)).json() as { lines: [] };
  return result.lines;
}

test('what was asked for stands there before it is done, with who, what, and to which digest; what failed too, and no secret', async () => {
  const built = (await run('bundle', 'build', SAMPLE)).json() as { digest: string };
  expect((await run('bundle', 'remove', 'nothing@1.0.0')).code).not.toBe(0);
  const code = join(home, 'code');
  await writeFile(code, 'AAAA-BBBB-CCCC-DDDD');
  expect((await run('device', 'add', '127.0.0.1:1', '--name', 'gone', '--code-file', code)).code).toBe(4);

  const all = await lines('--asked');
  expect(all.map(({ kind, phase }) => `${kind}${phase === undefined ? '' : ` ${phase}`}`).reverse()).toEqual([
    'workspace.created',
    'bundles.build asked',
    'bundle.built',
    'bundles.remove asked',
    'bundles.remove failed',
    'devices.add asked',
    'devices.add failed',
  ]);
  expect(all.find((line) => line.kind === 'bundle.built')).toMatchObject({ digest: built.digest, actor: 'command line', user: expect.stringContaining('@') });
  expect(all.find((line) => line.kind === 'devices.add')?.message).toContain('name gone; address 127.0.0.1:1');
  expect(JSON.stringify(all)).not.toMatch(/AAAA|BBBB|DDDD/);
  expect((await lines()).every((line) => line.phase !== 'asked')).toBe(true);
});

test('a log is verified, exported, and the export verified without a workspace', async () => {
  await run('bundle', 'build', SAMPLE);
  expect((await run('audit', 'verify')).json()).toMatchObject({ ok: true, lines: 3, unsigned: 0, signed: { seq: 3 } });
  const file = join(home, '..', 'log.jsonl');
  expect((await run('audit', 'export', file)).json()).toMatchObject({ ok: true, from: 1, to: 4 });
  const { publicKey } = (await run('workspace', 'keys')).json() as { publicKey: string };
  const key = join(home, '..', 'key.pem');
  await writeFile(key, publicKey);
  const elsewhere = join(home, '..', 'elsewhere');
  const checked = await cli(['audit', 'verify', file, '--key', key, '--json'], { home: elsewhere });
  expect(checked.json()).toMatchObject({ ok: true, lines: 4 });
  await expect(readdir(elsewhere)).rejects.toMatchObject({ code: 'ENOENT' });

  expect((await run('audit', 'verify', '--against', file)).json()).toMatchObject({ ok: true });
  await writeFile(file, (await readFile(file, 'utf8')).replace('bundle.built', 'bundle.never'));
  expect((await run('audit', 'verify', file)).code).toBe(5);
});

test('a broken log fails its verification with exit 5, stops every act before it begins, and goes on only when a person says so', async () => {
  await run('bundle', 'build', SAMPLE);
  const db = new Database(join(home, 'audit.db'));
  db.exec('DROP TRIGGER lines_kept');
  db.exec('DELETE FROM lines WHERE seq = 3');
  db.close();
  const verdict = await run('audit', 'verify');
  expect(verdict.code).toBe(5);
  expect(verdict.json()).toMatchObject({ ok: false, problem: { seq: 3 }, error: { code: 'trust.audit-broken', owner: 'trust' } });

  const refused = await run('bundle', 'remove', 'digits@1.0.0');
  expect(refused.code).toBe(6);
  expect(refused.json()).toMatchObject({ error: { code: 'machine.audit-failed' } });
  // Reading goes on, and what was asked for was not done.
  expect((await run('bundle', 'list')).json()).toMatchObject({ bundles: [{ name: 'digits' }] });

  expect((await run('audit', 'restart')).code).toBe(64);
  expect((await run('audit', 'restart', '--reason', 'a line was taken out, see ticket 12')).json()).toMatchObject({
    ok: true,
    problem: expect.stringContaining('end is missing'),
  });
  expect(await lines()).toMatchObject([
    { seq: 1, kind: 'audit.restarted', message: expect.stringContaining('ticket 12'), digest: expect.stringContaining('sha256:') },
  ]);
  expect((await readdir(home)).filter((name) => name.startsWith('audit-broken-'))).toHaveLength(1);
  expect((await run('bundle', 'remove', 'digits@1.0.0')).code).toBe(0);
  // A whole log is not put aside.
  expect((await run('audit', 'restart', '--reason', 'to hide it')).json()).toMatchObject({ error: { code: 'usage.audit-whole' } });
});

test('what was written before there was a chain is taken over once, in its order and with its times', async () => {
  await run('bundle', 'list');
  for (const name of ['audit.db', 'audit.db-wal', 'audit.db-shm']) await rm(join(home, name), { force: true });
  const db = new Database(join(home, 'workspace.db'));
  const add = db.prepare('INSERT INTO activity (at, actor, kind, message, link, digest) VALUES (?, ?, ?, ?, ?, ?)');
  add.run(1_000, 'desktop', 'bundle.built', 'Built old@1.0.0', '/bundles/old@1.0.0', `sha256:${'b'.repeat(64)}`);
  add.run(2_000, 'command line', 'device.removed', 'Removed dev-1', null, null);
  db.exec('DELETE FROM facts');
  db.close();
  expect(await lines()).toMatchObject([
    { seq: 2, at: 2_000, user: '', message: 'Removed dev-1' },
    { seq: 1, at: 1_000, actor: 'desktop', message: 'Built old@1.0.0', digest: `sha256:${'b'.repeat(64)}` },
  ]);
  expect((await run('audit', 'verify')).json()).toMatchObject({ ok: true, lines: 2, unsigned: 0 });
  expect(await lines()).toHaveLength(2);

  // From then on a log that is not there is one that was taken away.
  for (const name of ['audit.db', 'audit.db-wal', 'audit.db-shm']) await rm(join(home, name), { force: true });
  expect((await run('audit', 'verify')).json()).toMatchObject({ ok: false, problem: { problem: 'all of it is gone' } });
  expect((await run('device', 'remove', 'x')).json()).toMatchObject({ error: { code: 'machine.audit-failed' } });
});
