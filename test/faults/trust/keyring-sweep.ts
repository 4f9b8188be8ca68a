/** Shared by the short and the long sweep: keys that are killed while they are moved are still the same keys. */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Ran {
  signal: NodeJS.Signals | null;
  said: string;
  stderr: string;
}

export function run(work: string, to: string, env: Record<string, string> = {}): Promise<Ran> {
  const args = ['--import', here('../bundles/fault-at.mjs'), here('keyring-child.ts'), join(work, 'keys'), to, join(work, 'entries')];
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, TMPDIR: tmpdir(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_code, signal) => resolve({ signal, said: said.trim(), stderr }));
  });
}

type Kept = 'old' | 'plain' | 'keychain' | 'passphrase';

/** A workspace with keys kept as asked, and their fingerprint. */
export async function prepare(dir: string, kept: Kept): Promise<{ from: string; fingerprint: string }> {
  const from = await mkdtemp(join(dir, `${kept}-`));
  await mkdir(join(from, 'entries'));
  const made = await run(from, kept === 'old' ? 'plain' : kept);
  const [fingerprint = ''] = made.said.split(' ');
  expect(fingerprint, made.stderr).toMatch(/^[0-9a-f]{64}$/);
  if (kept === 'old') {
    const file = join(from, 'keys', 'keyring.json');
    const { public: known, private: held } = JSON.parse(await readFile(file, 'utf8'));
    const { signing, ca, client } = held.keys;
    const old = {
      format: 1,
      workspaceId: known.workspaceId,
      createdAt: known.createdAt,
      signing: { privateKeyPem: signing },
      ca: { privateKeyPem: ca, certificatePem: known.caCertificate },
      client: { privateKeyPem: client, certificatePem: known.clientCertificate },
    };
    await writeFile(file, JSON.stringify(old));
  }
  return { from, fingerprint };
}

/** Kills the move of keys at each step that `telling` picks, and opens them again. */
export async function sweep(dir: string, kept: Kept, to: string, ends: string, telling: (step: string) => boolean = () => true): Promise<void> {
  const { from, fingerprint } = await prepare(dir, kept);
  const log = join(from, 'steps.log');
  const undisturbed = join(dir, `undisturbed-${kept}-${to}`);
  await cp(from, undisturbed, { recursive: true });
  expect((await run(undisturbed, to, { FAULT_LOG: log })).said).toBe(`${fingerprint} ${ends}`);
  const steps = (await readFile(log, 'utf8')).trim().split('\n');
  const at = steps.flatMap((step, i) => (telling(step) ? [i + 1] : []));
  expect(at.length).toBeGreaterThan(1);
  for (const step of at) {
    const work = await mkdtemp(join(dir, 'work-'));
    await cp(from, work, { recursive: true });
    const killed = await run(work, to, { FAULT_AT: String(step), FAULT_KIND: 'kill' });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    // Whoever comes next finds the same keys, kept the old way or the new, and can move them.
    const next = await run(work, to);
    expect(next.said, `after ${steps[step - 1]}: ${next.stderr}`).toBe(`${fingerprint} ${ends}`);
    // No temporary file with keys in it is left, once somebody has moved them.
    expect((await readdir(join(work, 'keys'))).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
    await rm(work, { recursive: true });
  }
}
