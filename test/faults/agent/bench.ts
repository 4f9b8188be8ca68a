/** One enrolled device that tests kill, spoil and start again; after each test what it says it serves is what it serves. */
import { readFileSync } from 'node:fs';
import { chmod, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { DeploymentOrder } from '#core/protocol';
import { type AgentProcess, startAgent, temporaryFolder } from '../../integration/agent/agent-process.ts';
import { enrol, makeWorkspace, type TestWorkspace, waitUntilReady, WHOLE_TABLE } from '../../integration/agent/workspace.ts';

/** A watch that never commits by itself. */
export const FOREVER = { seconds: 3600, requests: 1_000_000, maxFailureShare: 0.05, minFailures: 3 };

export type Bench = Awaited<ReturnType<typeof openBench>>;

export async function openBench() {
  const workspace = await makeWorkspace();
  let agent: AgentProcess = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, workspace);
  let device = workspace.device(agent);
  let version = 0;

  const bench = {
    get device(): ReturnType<TestWorkspace['device']> {
      return device;
    },
    get agent(): AgentProcess {
      return agent;
    },
    /** Of the bundle made last. */
    get version(): number {
      return version;
    },

    /** Bundle n answers n * 100 + index. */
    next(more: Partial<DeploymentOrder> = {}): Promise<DeploymentOrder> {
      version++;
      return workspace.order({ version: `${version}.0.0`, table: WHOLE_TABLE.map((_, i) => version * 100 + i) }, more);
    },

    /** Which bundle answers, read from the answer itself. */
    async servedVersion(): Promise<number> {
      return Math.floor(((await device.infer([7])).body.outputs?.[0]?.data[0] ?? -1) / 100);
    },

    async end(signal: NodeJS.Signals): Promise<void> {
      await agent.end(signal);
      device.peer.close();
    },

    async start(): Promise<void> {
      agent = await startAgent(agent.dir);
      device = workspace.device(agent);
      await waitUntilReady(agent.ready.inference);
    },

    async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
      await bench.end(signal);
      await bench.start();
    },

    blobPath: (digest: string) => join(agent.dir, 'store', 'blobs', 'sha256', digest.slice('sha256:'.length)),

    /** What the device says of itself and what it answers are one. */
    async expectWhole(): Promise<void> {
      const serving = (await device.status()).bundles.filter((b) => b.state === 'active' || b.state === 'on trial');
      expect(serving).toHaveLength(1);
      expect(await bench.servedVersion()).toBe(Number(serving[0]?.version.split('.')[0]));
    },

    /** Kills every runner of the agent, as a crash in a driver would. */
    async killRunners(): Promise<void> {
      for (const name of await readdir('/proc')) if (/^\d+$/.test(name) && isRunnerOf(Number(name), agent.pid)) process.kill(Number(name), 'SIGKILL');
    },
  };
  return bench;
}

function isRunnerOf(pid: number, parent: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const found = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return found === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('runner-main');
  } catch {
    return false;
  }
}

/** Changes one bit of a stored blob. */
export async function spoil(path: string): Promise<void> {
  await chmod(path, 0o600);
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, 100);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await file.write(byte, 0, 1, 100);
  await file.close();
}
