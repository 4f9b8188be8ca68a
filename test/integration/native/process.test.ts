/** What the addon does to a process of its own, seen from outside; and the build script. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { isAlive, programRoot } from '#core/platform';
import { loadNative } from '#native';

const FACADE = JSON.stringify(join(programRoot(), 'native', 'index.ts'));
const onLinux = loadNative() !== undefined && process.platform === 'linux';

/** Runs a module's text on this Node; resolves with what it printed. */
function node(text: string) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8', timeout: 30_000, cwd: programRoot() });
}

describe.runIf(onLinux)('setMemoryLimit', () => {
  it('makes an allocation beyond the limit fail and leaves the process able to say so', () => {
    const result = node(`
      import { loadNative } from ${FACADE};
      const limited = loadNative().setMemoryLimit(300_000_000);
      let failed = false;
      try { new Uint8Array(800_000_000).fill(1); } catch { failed = true; }
      console.log(JSON.stringify({ limited, failed, small: new Uint8Array(10_000_000).length }));
    `);
    expect(JSON.parse(result.stdout)).toEqual({ limited: true, failed: true, small: 10_000_000 });
  });

  it('refuses what is no number of bytes', () => {
    for (const bytes of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => loadNative()?.setMemoryLimit(bytes)).toThrow(TypeError);
  });
});

describe.runIf(onLinux)('dieWithParent', () => {
  it('ends the process when its parent is killed', async () => {
    // The grandchild holds our pipe open; the pipe's end tells that it is gone, however long that takes.
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { spawn } from 'node:child_process';
         spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(`
           import { loadNative } from ${FACADE};
           loadNative().dieWithParent();
           console.log(process.pid);
           setInterval(() => {}, 1000);`)}], { stdio: ['ignore', 'inherit', 'inherit'] });
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: programRoot() },
    );
    const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
    const grandchild = Number(chunk.toString());
    expect(isAlive(grandchild)).toBe(true);
    const closed = once(parent.stdout, 'close');
    parent.kill('SIGKILL');
    await closed;
    expect(isAlive(grandchild) && !isZombie(grandchild)).toBe(false);
  });

  it('ends it at once when the parent is already another', () => {
    const result = node(`import { loadNative } from ${FACADE}; loadNative().dieWithParent(1); console.log('still here');`);
    expect(result.signal).toBe('SIGKILL');
    expect(result.stdout).toBe('');
  });
});

/** Without a reaper above it an ended process stays listed until someone collects it. */
function isZombie(pid: number): boolean {
  return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .startsWith('Z');
}

describe.runIf(loadNative() !== undefined)('several environments', () => {
  it('gives each worker thread its own choice of kernels', async () => {
    const before = loadNative()?.useKernels();
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       const addon = require(${JSON.stringify(join(programRoot(), 'native', 'build', 'Release', 'edgewright.node'))});
       parentPort.postMessage([addon.useKernels('scalar'), addon.minMax(Float32Array.of(2, NaN, -1))]);`,
      { eval: true },
    );
    const [message] = await once(worker, 'message');
    await worker.terminate();
    expect(message).toEqual(['scalar', { min: -1, max: 2 }]);
    expect(loadNative()?.useKernels()).toBe(before);
  });
});

describe('native/build.cjs', () => {
  const run = (env: Record<string, string>) =>
    spawnSync(process.execPath, [join(programRoot(), 'native', 'build.cjs')], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { PATH: process.env.PATH ?? '', ...env },
    });

  it.runIf(loadNative() !== undefined)('is done at once the second time, in one line', () => {
    const result = run({});
    expect(result.status).toBe(0);
    expect(result.stdout).toBe('native addon: reused\n');
    expect(result.stderr).toBe('');
  });

  it.runIf(process.platform !== 'win32')('says so where there is no compiler, and does not fail', () => {
    const result = run({ CXX: '/nonexistent/compiler' });
    expect(result.status).toBe(0);
    expect(result.stdout).toBe('native addon: no C++ compiler: using the TypeScript twins\n');
  });
});
