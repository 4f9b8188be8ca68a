/**
 * The operating system's own store of secrets: macOS Keychain, Windows Credential Manager, the Secret Service of a Linux
 * desktop. It is only ever spoken to by a child process: a locked keychain may wait for a person for ever, a broken one may
 * crash, and neither may take this process along. Secrets cross on a pipe, never in arguments or the environment.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { spawnNode } from '#core/platform';
import { KEYCHAIN_ANSWER_MS, KEYCHAIN_PROBE_MS, MAX_KEYCHAIN_ANSWER_BYTES } from '../limits.ts';

const ENTRY = fileURLToPath(new URL('./keychain-main.ts', import.meta.url));

export interface Keychain {
  /** What the person knows it as. */
  readonly name: string;
  /** undefined when it holds nothing under this name. @throws machine.keychain */
  get(account: string): Promise<Buffer | undefined>;
  /** Keeps a secret and reads it back; the short limit is for a first try, where a file serves as well. @throws machine.keychain */
  put(account: string, secret: Uint8Array): Promise<void>;
  /** @throws machine.keychain */
  remove(account: string): Promise<void>;
}

export interface KeychainRequest {
  op: 'get' | 'put' | 'remove';
  account: string;
  /** Base64; only with `put`. */
  secret?: string;
}

export const KeychainAnswerSchema = z.union([
  z.object({ ok: z.literal(true), secret: z.base64().optional() }),
  z.object({ ok: z.literal(false), problem: z.string() }),
]);
export type KeychainAnswer = z.infer<typeof KeychainAnswerSchema>;

const NAMES: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'the macOS Keychain',
  win32: 'the Windows Credential Manager',
  linux: 'the Secret Service of this desktop',
};

/** The keychain of this system; undefined where there is none that could be asked. Whether it answers shows when it is asked. */
export function systemKeychain(env: NodeJS.ProcessEnv = process.env): Keychain | undefined {
  const name = NAMES[process.platform];
  if (name === undefined) return undefined;
  const bus = process.platform === 'linux' ? sessionBus(env) : '';
  if (bus === undefined) return undefined;
  const ask = (request: KeychainRequest, limitMs: number) => askChild(name, request, limitMs, bus === '' ? {} : { DBUS_SESSION_BUS_ADDRESS: bus });
  return {
    name,
    async get(account) {
      const secret = await ask({ op: 'get', account }, KEYCHAIN_ANSWER_MS);
      return secret === undefined ? undefined : Buffer.from(secret, 'base64');
    },
    async put(account, secret) {
      const kept = Buffer.from(secret).toString('base64');
      await ask({ op: 'put', account, secret: kept }, KEYCHAIN_PROBE_MS);
      if ((await ask({ op: 'get', account }, KEYCHAIN_PROBE_MS)) !== kept) throw failed(name, 'it does not give back what it was given');
    },
    async remove(account) {
      await ask({ op: 'remove', account }, KEYCHAIN_PROBE_MS);
    },
  };
}

/** Where the desktop's message bus is: a server has none, and then no child need be started to learn that. */
function sessionBus(env: NodeJS.ProcessEnv): string | undefined {
  if (env.DBUS_SESSION_BUS_ADDRESS) return env.DBUS_SESSION_BUS_ADDRESS;
  const socket = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'bus') : undefined;
  return socket !== undefined && existsSync(socket) ? `unix:path=${socket}` : undefined;
}

/** One child for one question. It is killed when it has not answered in time, or answers too much. */
async function askChild(name: string, request: KeychainRequest, limitMs: number, env: Record<string, string>): Promise<string | undefined> {
  const child = spawnNode(ENTRY, [], { env });
  const [, , , input, output] = child.process.stdio;
  if (!input || !output || !('write' in input) || !('read' in output)) throw new Error('the child has no pipes');
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.process.kill('SIGKILL');
  }, limitMs);
  let bytes = 0;
  output.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_KEYCHAIN_ANSWER_BYTES) child.process.kill('SIGKILL');
  });
  // A pipe that breaks only means that the child has ended, which is judged below.
  input.on('error', () => {});
  input.end(JSON.stringify(request));
  try {
    const said = await text(output).catch(() => '');
    const { code, signal } = await child.ended;
    if (late) throw failed(name, `it did not answer within ${limitMs / 1000} s; it may be waiting to be unlocked`);
    const answer = KeychainAnswerSchema.safeParse(parsed(said));
    // What the child printed is not shown: nobody promised that it holds no secret.
    if (!answer.success) throw failed(name, `the program that asks it ended with ${signal ?? `exit ${code}`}`);
    if (!answer.data.ok) throw failed(name, answer.data.problem.slice(0, 300));
    return answer.data.secret;
  } finally {
    clearTimeout(timer);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failed(name: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'machine.keychain',
    message: `Keys cannot be kept in or read from ${name} now.`,
    found,
    hint: 'Log in to the desktop of this computer and unlock its keychain, then run this again.',
    owner: 'machine',
  });
}
