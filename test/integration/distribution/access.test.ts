import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '#core/bundles';
import { openRepositories, startRegistryServer } from '#core/distribution';
import { createLog, systemClock } from '#core/platform';
import { throwAwayDir } from '../../lib/cli.ts';
import { codeOf, testRegistry, type TestRegistry } from './registry.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let file: string;
let registry: TestRegistry;
beforeAll(async () => {
  work = await throwAwayDir('access');
  file = join(work.dir, 'htpasswd');
  await writeFile(file, `# users\nanna:${bcrypt.hashSync('right', 8)}\nbert:${bcrypt.hashSync('ä:ö', 8).replace('$2b$', '$2y$')}\n`);
  registry = await testRegistry({ htpasswdFile: file });
});
afterAll(async () => {
  await registry.remove();
  await work.remove();
});

const basic = (user: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
const ask = (headers?: Record<string, string>, on = registry) => on.http('GET', '/v2/', headers ? { headers } : {});

describe('a registry with passwords', () => {
  test('tells who comes without one how to log in, and says nothing else', async () => {
    const answer = await ask();
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringMatching(/^Basic realm=/) as string } });
    expect(codeOf(answer)).toBe('UNAUTHORIZED');
    for (const path of ['/v2/a/tags/list', '/v2/_catalog', '/v2/A/', '/nothing']) expect((await registry.http('GET', path)).status).toBe(401);
  });

  test('lets the right ones in, under any name it has', async () => {
    expect((await ask(basic('anna', 'right'))).status).toBe(200);
    expect((await ask(basic('bert', 'ä:ö'))).status).toBe(200);
    expect((await ask({ ...basic('anna', 'right'), host: 'registry.example' })).status).toBe(200);
  });

  test.each<[string, Record<string, string>]>([
    ['another password', basic('anna', 'wrong')],
    ['another user’s', basic('bert', 'right')],
    ['an unknown user', basic('carl', 'right')],
    ['none', basic('anna', '')],
    ['one that bcrypt would cut off', basic('anna', `right${'\0'.repeat(10)}`)],
    ['one too long', basic('anna', 'x'.repeat(100))],
    ['another scheme', { authorization: 'Bearer right' }],
    ['nonsense', { authorization: 'Basic !!!' }],
  ])('does not let %s in', async (_what, headers) => {
    const fresh = await testRegistry({ htpasswdFile: file });
    try {
      expect((await ask(headers, fresh)).status).toBe(401);
    } finally {
      await fresh.remove();
    }
  });

  test('makes who guesses wait, even for the right one', async () => {
    const fresh = await testRegistry({ htpasswdFile: file });
    try {
      const statuses: number[] = [];
      for (let i = 0; i < 11; i++) statuses.push((await ask(basic('anna', `guess ${i}`), fresh)).status);
      expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
      const answer = await ask(basic('anna', 'right'), fresh);
      expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': expect.stringMatching(/^\d+$/) as string } });
      expect(codeOf(answer)).toBe('TOOMANYREQUESTS');
    } finally {
      await fresh.remove();
    }
  });

  test('lets many requests with the right one in at once', async () => {
    const fresh = await testRegistry({ htpasswdFile: file });
    try {
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask(basic('anna', 'right'), fresh)));
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    } finally {
      await fresh.remove();
    }
  });

  test('takes a user out when the file changes', async () => {
    const own = join(work.dir, 'changing');
    await writeFile(own, `anna:${bcrypt.hashSync('right', 8)}\n`);
    const fresh = await testRegistry({ htpasswdFile: own });
    try {
      expect((await ask(basic('anna', 'right'), fresh)).status).toBe(200);
      await writeFile(own, `bert:${bcrypt.hashSync('other', 8)}\n`);
      await expect.poll(async () => (await ask(basic('anna', 'right'), fresh)).status, { timeout: 10_000 }).toBe(401);
      expect((await ask(basic('bert', 'other'), fresh)).status).toBe(200);
      await rm(own);
      await expect.poll(async () => (await ask(basic('bert', 'other'), fresh)).status, { timeout: 10_000 }).not.toBe(200);
    } finally {
      await fresh.remove();
    }
  });
});

describe('a password file that cannot be used', () => {
  test.each([
    ['with a weak hash', 'anna:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n'],
    ['with MD5', 'anna:$apr1$x$y\n'],
    ['in the clear', 'anna:right\n'],
    ['of too little work', `anna:${bcrypt.hashSync('x', 4)}\n`],
    ['of too much work', `anna:$2b$31$${'a'.repeat(53)}\n`],
    ['without a user', '# nobody\n'],
  ])('%s is refused at the start', async (_what, text) => {
    const own = join(work.dir, 'bad');
    await writeFile(own, text);
    await expect(testRegistry({ htpasswdFile: own })).rejects.toMatchObject({ code: 'usage.htpasswd', owner: 'usage' });
  });
});

test('a registry that other computers reach has TLS and passwords, or does not start', async () => {
  const store = await openStore(join(work.dir, 'store'));
  const repositories = openRepositories({ store, clock: systemClock });
  try {
    const common = { repositories, door: { admit: async () => {}, remove: async () => {} }, clock: systemClock, log: createLog('x'), allowDelete: false };
    for (const host of ['0.0.0.0', '::', 'registry.example', '192.168.1.1']) {
      for (const htpasswdFile of [undefined, file]) {
        await expect(startRegistryServer({ ...common, at: { host, port: 0 }, htpasswdFile })).rejects.toMatchObject({
          code: 'usage.registry-exposed',
          owner: 'usage',
        });
      }
    }
  } finally {
    repositories.close();
  }
});
