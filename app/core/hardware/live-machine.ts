/** The machine this program runs on. */
import { execFile } from 'node:child_process';
import { constants, readFileSync } from 'node:fs';
import { access, open, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, freemem, hostname, platform, release, totalmem, version } from 'node:os';
import { dirname, join } from 'node:path';
import { libraryPath } from '#core/platform';
import { loadNative } from '#native';
import { neededLibraries } from './elf.ts';
import { COMMAND_LIMIT_MS, MAX_COMMAND_BYTES, MAX_ENTRIES, MAX_TEXT_BYTES } from './limits.ts';
import { askSystem } from './live-system.ts';
import type { AccessTo, CommandResult, Machine, MachineFacts } from './machine.ts';
import { nodeOwner } from './node-owner.ts';
import { pciIdsName } from './pci-ids.ts';

export const liveMachine: Machine = {
  facts,
  env: (name) => (name === 'LD_LIBRARY_PATH' ? libraryPath() : process.env[name]),
  readText,
  readHex,
  list: async (dir) => (await readdir(dir).catch(() => [])).sort().slice(0, MAX_ENTRIES),
  link: (path) => readlink(path).catch(() => undefined),
  access: accessTo,
  owner: nodeOwner,
  run,
  said: async () => [],
  needed: neededLibraries,
  ask: askSystem,
  driver: async (probe) => loadNative()?.probe(probe),
  load: async (names) => loadNative()?.probeLibraries(names),
  pciName: pciIdsName,
};

const require = createRequire(import.meta.url);

/** Version and library folder of the ONNX Runtime this program uses; without loading it. */
export function onnxRuntimeInstall(): { version: string; dir: string } {
  try {
    const path = require.resolve('onnxruntime-node/package.json');
    const { version: found, binary } = JSON.parse(readFileSync(path, 'utf8')) as { version: string; binary: { napi_versions: number[] } };
    return { version: found, dir: join(dirname(path), 'bin', `napi-v${binary.napi_versions[0] ?? 6}`, process.platform, process.arch) };
  } catch {
    return { version: 'not installed', dir: '' };
  }
}

/**
 * The folder that child processes take ONNX Runtime's library from, where that is not its package's: the loader searches
 * LD_LIBRARY_PATH before the binding's own RUNPATH. Provider libraries are looked for there and nowhere else.
 */
async function folderInUse(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  for (const dir of (libraryPath() ?? '').split(':').filter((one) => one.startsWith('/'))) {
    if ((await accessTo(join(dir, 'libonnxruntime.so.1'))) === 'ok') return dir;
  }
  return undefined;
}

async function facts(): Promise<MachineFacts> {
  const ort = onnxRuntimeInstall();
  const native = loadNative()?.cpuFeatures();
  const list = cpus();
  return {
    platform: platform(),
    arch: arch(),
    hostname: hostname(),
    release: release(),
    osName: version(),
    totalMemoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    cpuModel: native?.brand || list[0]?.model.trim() || '',
    cores: list.length,
    usableCores: availableParallelism(),
    ...(native && { cpuFlags: native.flags, hypervisor: native.hypervisor }),
    node: process.version,
    onnxruntime: ort.version,
    ortDir: (await folderInUse()) ?? ort.dir,
  };
}

/** Reads at most MAX_TEXT_BYTES; files below /proc and /sys say size 0, so the size is found by reading. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!(await handle.stat()).isFile()) return undefined;
      const buffer = Buffer.alloc(64 * 1024);
      const parts: Buffer[] = [];
      for (let total = 0; total <= MAX_TEXT_BYTES; ) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) return Buffer.concat(parts).toString('utf8');
        parts.push(Buffer.from(buffer.subarray(0, bytesRead)));
        total += bytesRead;
      }
      return undefined;
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

async function readHex(path: string, count: number): Promise<string | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return bytesRead === count ? buffer.toString('hex') : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

async function accessTo(path: string): Promise<AccessTo> {
  const there = await stat(path).catch((error: NodeJS.ErrnoException) => (error.code === 'EACCES' ? 'denied' : undefined));
  if (there === undefined) return 'absent';
  if (there === 'denied') return 'denied';
  // A library only has to be readable; a device node has to be opened for writing too.
  const mode = there.isFile() ? constants.R_OK : constants.R_OK | constants.W_OK;
  return access(path, mode).then(
    () => 'ok',
    () => 'denied',
  );
}

function run(command: string, args: readonly string[]): Promise<CommandResult | undefined> {
  return new Promise((resolve) => {
    const options = {
      timeout: COMMAND_LIMIT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_COMMAND_BYTES,
      windowsHide: true,
      env: { ...process.env, LC_ALL: 'C' },
    } as const;
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr });
      if (error.code === 'ENOENT') return resolve(undefined);
      resolve({
        code: typeof error.code === 'number' ? error.code : null,
        stdout,
        stderr: stderr || (error.killed ? `no answer within ${COMMAND_LIMIT_MS} ms` : error.message),
      });
    });
  });
}

/** Kept for the cache key: a new start of the machine may have brought a new driver. */
export async function bootMark(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}
