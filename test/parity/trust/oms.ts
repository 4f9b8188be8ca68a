/** Both sides of the comparison with the reference implementation of OpenSSF Model Signing: it, and our own client. */
import { spawn } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const CLIENT = join(import.meta.dirname, '..', '..', 'conformance', 'model-signing', 'client');

/** What reference.py takes; see there. */
export interface Job {
  do: 'sign' | 'verify';
  model: string;
  signature: string;
  key?: string;
  certificate?: string;
  chain?: string[];
  public?: string;
  authorities?: readonly string[];
  hash?: 'sha256' | 'blake2' | 'blake3';
  shard?: number;
  links?: boolean;
  ignore?: string[];
  unsigned?: boolean;
}

export interface Outcome {
  ok: boolean;
  error?: string;
}

/** All jobs in one process: starting it is what takes time. @param python one that has `model_signing` */
export async function reference(python: string, jobs: readonly Job[]): Promise<Outcome[]> {
  const { code, stdout, stderr } = await run(python, [join(import.meta.dirname, 'reference.py')], JSON.stringify(jobs));
  if (code !== 0) throw new Error(`${python} ended with ${code}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout) as Outcome[];
}

/** Our client, as the suite runs it. */
export async function client(command: 'sign-model' | 'verify-model', args: readonly string[]): Promise<Outcome> {
  const { code, stderr } = await run(CLIENT, [command, ...args], '');
  return code === 0 ? { ok: true } : { ok: false, error: stderr };
}

export function run(program: string, args: readonly string[], input: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: 300_000 });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Writes a folder. A value that begins with `->` is a link to what follows. */
export async function writeModel(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    if (content.startsWith('->')) await symlink(content.slice(2), path);
    else await writeFile(path, Buffer.from(content, 'latin1'));
  }
}

/** The statement inside a signature. */
export function statementOf(signature: Buffer): { subject: unknown; predicate: { serialization: { ignore_paths?: string[] }; resources: { name: string }[] } } {
  const { dsseEnvelope } = JSON.parse(signature.toString('utf8')) as { dsseEnvelope: { payload: string } };
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8')) as ReturnType<typeof statementOf>;
}
