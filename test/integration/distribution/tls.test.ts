/** `registry serve` as other computers reach it, with TLS and passwords, and `bundle push` and `pull` through that. */
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { type Issued, testAuthority, type TestAuthority } from './certificates.ts';
import { buildSample, homeLike, serve, type Served } from './serve.ts';

/** An address of this computer that others could reach. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
const reason = address === undefined ? ' (skipped: this computer has no address but its own)' : '';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let source: string;
let authority: TestAuthority;
beforeAll(async () => {
  work = await throwAwayDir('tls');
  source = join(work.dir, 'source');
  await buildSample(source);
  authority = await testAuthority();
  await writeFile(join(work.dir, 'ca.pem'), authority.certificate);
  await writeFile(join(work.dir, 'other-ca.pem'), (await testAuthority()).certificate);
  await writeFile(join(work.dir, 'htpasswd'), `anna:${bcrypt.hashSync('s3cret:ü', 8)}\n`);
});
afterAll(() => work.remove());

let count = 0;
let served: Served | undefined;
afterEach(async () => {
  await served?.kill();
  served = undefined;
});

/** A registry over an empty workspace that trusts the first one's signature. */
async function registryWith(issued: Issued): Promise<{ home: string; at: string }> {
  const home = await homeLike(source, join(work.dir, `home-${count++}`));
  await writeFile(join(home, 'cert.pem'), issued.certificate);
  await writeFile(join(home, 'key.pem'), issued.key, { mode: 0o600 });
  const tls = ['--tls-cert', join(home, 'cert.pem'), '--tls-key', join(home, 'key.pem'), '--htpasswd', join(work.dir, 'htpasswd')];
  served = await serve(home, ['--listen', `${address}:0`, ...tls]);
  expect(served.url).toMatch(/^https:/);
  return { home, at: `${served.address}/digits:1.0.0` };
}

const access = (ca: string | undefined) => [...(ca === undefined ? [] : ['--ca-file', join(work.dir, ca)]), '--username', 'anna', '--password-stdin', '--json'];
const push = (at: string, ca: string | undefined, password = 's3cret:ü') =>
  cli(['bundle', 'push', 'digits@1.0.0', at, ...access(ca)], { home: source, input: `${password}\n` });
const codeOf = ({ json }: { json(): unknown }) => (json() as { error?: { code: string } }).error?.code;

describe.skipIf(address === undefined)(`a registry on the network${reason}`, { timeout: 180_000 }, () => {
  test('takes a bundle from who has the password, and gives it to others who have it', async () => {
    const { home, at } = await registryWith(await authority.issue([address ?? '']));
    expect(await push(at, 'ca.pem')).toMatchObject({ code: 0 });
    expect((await cli(['bundle', 'show', 'digits@1.0.0', '--json'], { home })).json()).toMatchObject({ state: 'sound', signed: true });
    const third = await homeLike(source, join(work.dir, 'third'));
    const pulled = await cli(['bundle', 'pull', at, ...access('ca.pem')], { home: third, input: 's3cret:ü\n' });
    expect([pulled.code, pulled.json()]).toMatchObject([0, { state: 'sound', signed: true }]);

    const refused = await push(at, 'ca.pem', 'wr0ng');
    expect([refused.code, codeOf(refused)]).toEqual([4, 'network.registry-login']);
    expect(refused.stdout + refused.stderr).not.toContain('wr0ng');
    const nobody = await cli(['bundle', 'pull', at, '--ca-file', join(work.dir, 'ca.pem'), '--json'], { home: third });
    expect([nobody.code, codeOf(nobody)]).toEqual([4, 'network.registry-login']);
  });

  test('is not spoken to where its certificate is of an authority that is unknown here, or of another', async () => {
    const { at } = await registryWith(await authority.issue([address ?? '']));
    for (const ca of [undefined, 'other-ca.pem']) {
      const refused = await push(at, ca);
      expect([refused.code, codeOf(refused)]).toEqual([5, 'trust.registry-certificate']);
    }
  });

  test.each<[string, () => Promise<Issued>]>([
    ['has expired', () => authority.issue([address ?? ''], new Date('2021-01-01'))],
    ['is of another name', () => authority.issue(['registry.example', '192.0.2.250'])],
  ])('nor where its certificate %s', async (_what, issue) => {
    const { at } = await registryWith(await issue());
    const refused = await push(at, 'ca.pem');
    expect([refused.code, codeOf(refused)]).toEqual([5, 'trust.registry-certificate']);
  });

  test('does not start without TLS and passwords', async () => {
    const home = join(work.dir, 'open');
    for (const more of [[], ['--htpasswd', join(work.dir, 'htpasswd')], ['--tls-cert', join(work.dir, 'ca.pem'), '--tls-key', join(work.dir, 'ca.pem')]]) {
      const refused = await cli(['registry', 'serve', '--listen', `${address}:0`, '--json', ...more], { home });
      expect([refused.code, codeOf(refused)]).toEqual([64, 'usage.registry-exposed']);
    }
  });

  test('says what is wrong with certificates and keys that cannot be used', async () => {
    const home = join(work.dir, 'bad-tls');
    await mkdir(home);
    const [mine, other] = [await authority.issue([address ?? '']), await authority.issue([address ?? ''])];
    await writeFile(join(home, 'cert.pem'), mine.certificate);
    await writeFile(join(home, 'other-key.pem'), other.key);
    await writeFile(join(home, 'nonsense.pem'), 'nonsense');
    const paths = (cert: string, key: string) => [join(home, cert), join(home, key)];
    for (const [cert = '', key = ''] of [paths('cert.pem', 'other-key.pem'), paths('nonsense.pem', 'other-key.pem')]) {
      const refused = await cli(['registry', 'serve', '--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key, '--json'], { home });
      expect([refused.code, codeOf(refused)]).toEqual([64, 'usage.tls']);
      const pulled = await cli(['bundle', 'pull', `${address}:1/a:1`, '--client-cert', cert, '--client-key', key, '--json'], { home });
      expect([pulled.code, codeOf(pulled)]).toEqual([64, 'usage.tls']);
    }
    const pulled = await cli(['bundle', 'pull', `${address}:1/a:1`, '--ca-file', join(home, 'nonsense.pem'), '--json'], { home });
    expect([pulled.code, codeOf(pulled)]).toEqual([64, 'usage.tls']);
  });

  test('closes what is too many connections of one address, and serves others', async () => {
    const { at } = await registryWith(await authority.issue([address ?? '']));
    const [host = '', port] = (served?.address ?? '').split(':');
    const sockets = Array.from({ length: 80 }, () => connect(Number(port), host).on('error', () => {}));
    const open = () => sockets.filter((socket) => !socket.destroyed && !socket.connecting).length;
    for (const socket of sockets) socket.resume();
    await expect.poll(() => sockets.some((socket) => socket.connecting)).toBe(false);
    await expect.poll(open, { timeout: 5_000 }).toBe(64);
    for (const socket of sockets) socket.destroy();
    expect(await push(at, 'ca.pem')).toMatchObject({ code: 0 });
  });
});
