/** No private key and no passphrase leaves the one file it belongs in: everything that commands and an engine write is looked through. */
import { spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const PASSPHRASE = 'violet anchor seventeen';

let dir: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ dir, remove } = await throwAwayDir('secrets'));
});
afterAll(() => remove());

/** Every form in which a key could be written: its PEM's lines, its DER, and the bare number. */
function formsOf(pem: string): Buffer[] {
  const key = createPrivateKey(pem);
  const scalar = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  const forms = [
    ...pem.split('\n').filter((line) => line.length > 40 && !line.startsWith('-----')),
    scalar.toString('hex'),
    scalar.toString('base64'),
    scalar.toString('base64url'),
  ];
  return [...forms.map((text) => Buffer.from(text)), scalar, key.export({ format: 'der', type: 'pkcs8' })];
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('keys and passphrases stand in no output, log, database, export, backup, argument or environment', async () => {
  const home = join(dir, 'home');
  const passphraseFile = join(dir, 'passphrase');
  await writeFile(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
  const out = join(dir, 'out');
  const said: string[] = [];
  const seen: Buffer[] = [];
  const watch = (pid: number) => {
    // What `ps` would show, as long as it lives.
    const look = setInterval(() => {
      for (const name of ['cmdline', 'environ'])
        void readFile(`/proc/${pid}/${name}`).then(
          (bytes) => seen.push(bytes),
          () => clearInterval(look),
        );
    }, 50);
    look.unref();
  };
  const run = async (args: string[], env: Record<string, string> = {}) => {
    const result = await cli(args, { home, env: { EDGEWRIGHT_LOG: 'trace', ...env }, onStart: watch });
    said.push(result.stdout, result.stderr);
    return result;
  };
  await run(['workspace', 'keys']);
  const plain = await readFile(join(home, 'keys', 'keyring.json'));
  const { keys } = JSON.parse(plain.toString('utf8')).private as { keys: Record<string, string> };
  const secrets = [...Object.values(keys).flatMap(formsOf), Buffer.from(PASSPHRASE)];
  expect(secrets.length).toBeGreaterThan(15);
  // Where they are meant to be the search finds them.
  expect(secrets.some((secret) => plain.includes(secret))).toBe(true);

  await run(['bundle', 'build', join(ROOT, 'assets', 'sample-bundle')]);
  await run(['workspace', 'backup', `${out}.age`, '--passphrase-file', passphraseFile]);
  await run(['audit', 'export', `${out}.jsonl`]);
  await run(['bundle', 'export', 'digits@1.0.0', `${out}.tar`]);
  await run(['audit', 'list', '--asked', '--json']);
  await run(['workspace', 'keys', '--set-passphrase', '--passphrase-file', passphraseFile]);
  // From here on the keyring itself is sealed and is looked through like everything else.
  expect((await run(['bundle', 'remove', 'digits@1.0.0'])).code).toBe(6);
  expect((await run(['bundle', 'remove', 'digits@1.0.0'], { EDGEWRIGHT_PASSPHRASE_FILE: passphraseFile })).code).toBe(0);

  const engine = spawn(process.execPath, [join(ROOT, 'app', 'engine', 'main.ts')], {
    env: { PATH: process.env.PATH ?? '', HOME: home, EDGEWRIGHT_HOME: home, EDGEWRIGHT_KEY_STORE: 'file', EDGEWRIGHT_LOG: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => engine.once('close', resolve));
  try {
    if (engine.pid !== undefined) watch(engine.pid);
    let printed = '';
    for (const stream of [engine.stdout, engine.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
    await expect.poll(() => printed, { timeout: 45_000 }).toMatch(/Edgewright ready: .*locked by a passphrase/s);
    expect((await run(['workspace', 'keys', '--json'])).json()).toMatchObject({ unlocked: false });
    expect((await run(['workspace', 'unlock', '--passphrase-file', passphraseFile, '--json'])).json()).toMatchObject({ unlocked: true });
    said.push(printed);
  } finally {
    engine.kill('SIGTERM');
    await ended;
  }

  // Elsewhere no process shows them to others.
  if (process.platform === 'linux') expect(seen.length).toBeGreaterThan(10);
  const files = [...(await filesUnder(home)), `${out}.age`, `${out}.jsonl`, `${out}.tar`];
  expect(files.length).toBeGreaterThan(10);
  const written = [
    ...(await Promise.all(files.map(async (path) => ({ path, bytes: await readFile(path) })))),
    { path: 'what was printed', bytes: Buffer.from(said.join('\n')) },
    { path: 'arguments and environments', bytes: Buffer.concat(seen) },
  ];
  for (const { path, bytes } of written) for (const secret of secrets) expect(bytes.includes(secret), path).toBe(false);
});
