/**
 * Credentials as `docker login` keeps them: in `config.json`, or in a credential helper that it names (docker-credential-*),
 * which is asked without a shell, with little environment and within a time limit.
 */
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { readFileIfThere } from '#core/platform';
import { HELPER_MS, MAX_DOCKER_CONFIG_BYTES, MAX_HELPER_BYTES, MAX_SECRET_LENGTH } from '../limits.ts';

/** What a registry wants to see of us. */
export type Credentials = { user: string; password: string } | { identityToken: string };

const Text = z.string().max(MAX_SECRET_LENGTH);
const ConfigSchema = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({ auth: Text.optional(), username: Text.optional(), password: Text.optional(), identitytoken: Text.optional() }).nullable(),
    )
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});
const HelperAnswerSchema = z.object({ Username: Text, Secret: Text });
const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** What a helper needs to find the keychain of this user. */
const HELPER_ENV = [
  'PATH',
  'HOME',
  'USER',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'SystemRoot',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'DISPLAY',
  'GNUPGHOME',
  'PASSWORD_STORE_DIR',
];

/** Docker Hub is known there by the address of an older protocol. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/**
 * @param host as the person wrote it
 * @param dir the folder of config.json; else DOCKER_CONFIG, else ~/.docker
 * @returns undefined where there are none
 * @throws usage.docker-config, machine.credential-helper
 */
export async function dockerCredentials(host: string, dir?: string): Promise<Credentials | undefined> {
  const path = join(dir ?? process.env.DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json');
  const bytes = await readFileIfThere(path, MAX_DOCKER_CONFIG_BYTES);
  if (!bytes) return undefined;
  const config = parseConfig(bytes, path);
  const keys = host === 'docker.io' ? [DOCKER_HUB_KEY, 'docker.io'] : [host, `https://${host}`, `http://${host}`];
  for (const key of keys) {
    const helper = config.credHelpers?.[key] ?? config.credsStore;
    const found = helper === undefined || helper === '' ? undefined : await askHelper(helper, key);
    if (found) return found;
  }
  for (const key of [...keys, ...keys.map((one) => `${one}/`)]) {
    const entry = config.auths?.[key];
    if (!entry) continue;
    if (entry.identitytoken) return { identityToken: entry.identitytoken };
    const [user, password] = entry.auth ? split(Buffer.from(entry.auth, 'base64').toString('utf8')) : [entry.username, entry.password];
    if (user !== undefined && password !== undefined) return { user, password };
  }
  return undefined;
}

function parseConfig(bytes: Buffer, path: string): z.infer<typeof ConfigSchema> {
  try {
    return ConfigSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new EdgewrightError(
      {
        code: 'usage.docker-config',
        message: `${path} cannot be read.`,
        expected: 'what docker login writes',
        hint: 'Mend it, or name a user with --username.',
        owner: 'usage',
      },
      { cause },
    );
  }
}

function split(text: string): [string | undefined, string | undefined] {
  const colon = text.indexOf(':');
  return colon < 0 ? [undefined, undefined] : [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, '')];
}

/** undefined when the helper knows none for this registry. */
async function askHelper(name: string, key: string): Promise<Credentials | undefined> {
  if (!HELPER_NAME.test(name)) throw helperFailed(name, 'its name is none of a program');
  const { code, stdout } = await runHelper(`docker-credential-${name}`, `${key}\n`).catch((error: unknown) => {
    throw helperFailed(name, error instanceof Error ? error.message : String(error));
  });
  // Helpers say so in these words (docker-credential-helpers, credentials/error.go).
  if (code !== 0 && /credentials not found/i.test(stdout)) return undefined;
  if (code !== 0) throw helperFailed(name, `it ended with ${code}`);
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    throw helperFailed(name, 'its answer is not JSON');
  }
  const answer = HelperAnswerSchema.safeParse(value);
  if (!answer.success) throw helperFailed(name, 'its answer has another form');
  const { Username: user, Secret: password } = answer.data;
  if (user === '' && password === '') return undefined;
  return user === '<token>' ? { identityToken: password } : { user, password };
}

function runHelper(program: string, input: string): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const env = Object.fromEntries(HELPER_ENV.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], env, windowsHide: true });
    const parts: Buffer[] = [];
    let length = 0;
    /** What it started may outlive it and hold its pipe: nothing more is read from there. */
    const giveUp = (why: string) => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      reject(new Error(why));
    };
    const timer = setTimeout(() => giveUp('it did not end in time'), HELPER_MS);
    child.stdout.on('data', (part: Buffer) => {
      length += part.length;
      if (length > MAX_HELPER_BYTES) return giveUp('its answer is too long');
      parts.push(part);
    });
    child.stdin.on('error', () => {});
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(parts).toString('utf8') });
    });
    child.stdin.end(input);
  });
}

function helperFailed(name: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'machine.credential-helper',
    message: `The credential helper docker-credential-${name.slice(0, 64)} gave no credentials.`,
    found: found.slice(0, 300),
    hint: 'Log in again with docker login, or name a user with --username and give the password with --password-stdin.',
    owner: 'machine',
  });
}
