/** A second administrator by the command line: two workspaces on one machine, the files between them, the record, the backup. */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asEdgewrightError } from '#contract';
import { openLocalClient, restoreWorkspace } from '#engine';
import { cli, throwAwayDir } from '../../lib/cli.ts';

let dir: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ dir, remove } = await throwAwayDir('administrators'));
});
afterAll(() => remove());

const as = (home: string) => (args: readonly string[]) => cli([...args, '--json'], { home: join(dir, home), cwd: dir, env: { INIT_CWD: dir } });
const first = as('first');
const second = as('second');
const IDENTITY = 'edgewright-identity.json';

test('identity there, grant here, join there', async () => {
  const identity = (await second(['workspace', 'identity', '--name', 'bob'])).json() as { fingerprint: string; output: string };
  expect(identity.output).toBe(join(dir, IDENTITY));
  const granted = await first(['workspace', 'grant', IDENTITY, '--days', '7', '--out', 'grant.json', '--yes']);
  expect(granted.code).toBe(0);
  const { administrator, fingerprint } = granted.json() as { administrator: { fingerprint: string; until: number }; fingerprint: string };
  expect(administrator).toMatchObject({ name: 'bob', state: 'valid', fingerprint: identity.fingerprint });
  expect(administrator.until - Date.now()).toBeLessThan(7 * 86_400_000 + 1000);
  expect((await stat(join(dir, 'grant.json'))).mode & 0o077).toBe(0);
  const joined = await second(['workspace', 'join', 'grant.json', '--name', 'site', '--yes']);
  expect(joined.json()).toMatchObject({ ok: true, membership: { name: 'site', fingerprint, state: 'valid' } });
  expect((await first(['workspace', 'administrators'])).json()).toMatchObject({ administrators: [{ name: 'bob' }], memberships: [] });
  expect((await second(['workspace', 'administrators'])).json()).toMatchObject({ administrators: [], memberships: [{ name: 'site' }] });
  // Nothing that is secret left either workspace.
  for (const file of [IDENTITY, 'grant.json']) {
    const { payload } = JSON.parse(await readFile(join(dir, file), 'utf8')) as { payload: string };
    expect(Buffer.from(payload, 'base64').toString()).not.toContain('PRIVATE');
  }
});

test('without a terminal nothing is granted or joined unless the fingerprints were compared', async () => {
  for (const run of [first(['workspace', 'grant', IDENTITY, '--out', 'other.json']), second(['workspace', 'join', 'grant.json'])]) {
    expect(await run).toMatchObject({ code: 64 });
  }
  expect(existsSync(join(dir, 'other.json'))).toBe(false);
});

type Client = Awaited<ReturnType<typeof openLocalClient>>['client'];

/** The contract itself, in this process: a command takes long to start. */
async function within<T>(home: string, work: (client: Client) => Promise<T>): Promise<T> {
  const local = await openLocalClient({ home: join(dir, home), throwAway: true });
  try {
    return await work(local.client);
  } finally {
    await local.close();
  }
}

/** The code and owner that something fails with. */
const failure = (asked: Promise<unknown>) =>
  asked.then(
    () => 'nothing',
    (error: unknown) => `${asEdgewrightError(error).code} (${asEdgewrightError(error).owner})`,
  );

test('the wrong file, or a spoilt one, is refused with whose fault it is', async () => {
  const grant = await readFile(join(dir, 'grant.json'), 'utf8');
  const identity = await readFile(join(dir, IDENTITY), 'utf8');
  const fingerprint = '0'.repeat(64);
  await within('second', async ({ administrators }) => {
    for (const text of ['a text', '{}', '[]', 'null', identity])
      expect(await failure(administrators.join({ text, fingerprint }))).toBe('trust.administrator-file (input)');
    expect(await failure(administrators.join({ text: grant.replace(/"payload": "(.{40})./, '"payload": "$1A'), fingerprint }))).toBe(
      'trust.note-wrong (trust)',
    );
    expect(await failure(administrators.join({ path: join(dir, 'none.json'), fingerprint }))).toBe('usage.missing-file (usage)');
    expect(await failure(administrators.join({ fingerprint }))).toBe('usage.input (usage)');
    // What was compared is what counts, whatever the file has become.
    expect(await failure(administrators.join({ text: grant, fingerprint }))).toBe('trust.fingerprint-differs (trust)');
    expect(await failure(administrators.identity({ name: 'bob\u202e' }))).toBe('trust.signer-name (usage)');
  });
  await within('first', async ({ administrators, workspace }) => {
    const own = (await workspace.keys()).fingerprint;
    expect(await failure(administrators.grant({ text: grant, fingerprint }))).toBe('trust.administrator-file (input)');
    expect(await failure(administrators.grant({ text: identity, fingerprint }))).toBe('trust.fingerprint-differs (trust)');
    expect(await failure(administrators.grant({ text: identity, fingerprint, days: 4000 }))).toBe('usage.input (usage)');
    expect(await failure(administrators.join({ text: grant, fingerprint: own }))).toBe('trust.grant-own (trust)');
    expect(await failure(administrators.revoke({ who: 'nobody' }))).toBe('trust.unknown-administrator (usage)');
    // It cannot revoke itself, by whatever part of its fingerprint.
    for (const who of [own, own.slice(0, 12)]) expect(await failure(administrators.revoke({ who }))).toBe('trust.own-key (input)');
    const { text } = await administrators.identity({});
    expect(await failure(administrators.grant({ text, fingerprint: own }))).toBe('trust.own-key (input)');
  });
});

test('a name is of one administrator', async () => {
  const { text, fingerprint } = await within('third', ({ administrators }) => administrators.identity({ name: 'Bob' }));
  await within('first', async ({ administrators }) => {
    expect(await failure(administrators.grant({ text, fingerprint }))).toBe('trust.signer-name (usage)');
    expect(await administrators.read({ text })).toEqual({ kind: 'identity', name: 'Bob', fingerprint });
  });
});

test('who did what is on record, and a backup brings all of it back', async () => {
  expect((await first(['workspace', 'revoke', 'bob', '--reason', 'lost on the train'])).json()).toMatchObject({ state: 'revoked' });
  const passphrase = 'four words for a backup';
  for (const [from, kinds] of [
    ['first', ['administrator.granted', 'administrator.revoked']],
    ['second', ['administrator.identity', 'administrator.joined']],
  ] as const) {
    const to = `${from}-again`;
    const file = join(dir, `${from}.age`);
    const before = await within(from, async ({ administrators, workspace }) => {
      await workspace.backup({ path: file, passphrase });
      return [await administrators.list(), await administrators.memberships()];
    });
    await restoreWorkspace({ home: join(dir, to), file, passphrase, replace: false, actor: 'test' });
    await within(to, async ({ administrators, audit, activity }) => {
      expect([await administrators.list(), await administrators.memberships()]).toEqual(before);
      expect(await audit.verify({})).toMatchObject({ ok: true });
      expect((await activity.list({})).map((line) => line.kind)).toEqual(expect.arrayContaining([...kinds]));
    });
  }
  await within('first-again', async ({ administrators, activity }) => {
    expect(await administrators.list()).toMatchObject([{ name: 'bob', state: 'revoked' }]);
    expect((await activity.list({})).map((line) => line.message).join()).toContain('lost on the train');
    const { fingerprint } = await administrators.read({ path: join(dir, IDENTITY) });
    expect(await failure(administrators.grant({ path: join(dir, IDENTITY), fingerprint }))).toBe('trust.key-revoked (input)');
  });
});

test('a workspace that was joined can be left', async () => {
  await within('second', async ({ administrators }) => {
    expect(await administrators.leave({ who: 'site' })).toMatchObject({ name: 'site' });
    expect(await failure(administrators.leave({ who: 'site' }))).toBe('usage.no-membership (usage)');
  });
});
