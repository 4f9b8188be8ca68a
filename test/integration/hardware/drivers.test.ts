/** The addon's questions to driver libraries, put to real shared libraries: stand-ins compiled here, and the machine's own Vulkan. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectHardware } from '#core/hardware';
import { loadNative } from '#native';

const SOURCE = join(import.meta.dirname, '../../fixtures/hardware/stand-in-driver.c');
const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
const able = process.platform === 'linux' && compiler !== undefined && loadNative() !== undefined;
const why = able ? '' : ' (skipped: needs Linux, a C compiler and the native addon)';

let dir: string;
const before = { path: process.env.LD_LIBRARY_PATH, order: process.env.CUDA_DEVICE_ORDER };
const restore = (name: 'LD_LIBRARY_PATH' | 'CUDA_DEVICE_ORDER', value: string | undefined) => {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgewright-drivers-'));
  if (!able || compiler === undefined) return;
  execFileSync(compiler, ['-shared', '-fPIC', '-o', join(dir, 'libcuda.so.1'), SOURCE]);
  await copyFile(join(dir, 'libcuda.so.1'), join(dir, 'libnvidia-ml.so.1'));
  process.env.LD_LIBRARY_PATH = dir;
});
afterAll(async () => {
  restore('LD_LIBRARY_PATH', before.path);
  restore('CUDA_DEVICE_ORDER', before.order);
  await rm(dir, { recursive: true, force: true });
});

/** Waiting longer than this for a stand-in that hangs would only make the test slow. */
const LIMIT_MS = 3000;

async function detect(mode: string) {
  process.env.CUDA_DEVICE_ORDER = mode;
  return detectHardware({ verify: false, probeLimitMs: LIMIT_MS, proveProvider: async () => undefined });
}

describe.runIf(able)(`driver libraries${why}`, () => {
  it('are asked for their devices, and their answers joined by bus address', async () => {
    const report = await detect('');
    const gpus = report.devices.filter((device) => device.vendor === 'NVIDIA');
    expect(gpus.map(({ name, id, memoryBytes, memoryFreeBytes, driver }) => ({ name, id, memoryBytes, memoryFreeBytes, driver }))).toEqual([
      { name: 'NVIDIA Slow', id: '0000:02:00.0', memoryBytes: 8589934592, memoryFreeBytes: 1234567890, driver: '580.65.06' },
      { name: 'NVIDIA Quick "Q"', id: '0000:82:00.0', memoryBytes: 25769803776, memoryFreeBytes: 1234567890, driver: '580.65.06' },
      expect.objectContaining({ name: 'NVIDIA GPU' }),
    ]);
    expect(gpus[1]?.facts).toEqual(
      expect.arrayContaining([
        { name: 'compute capability', value: '8.9', source: 'NVML' },
        { name: 'CUDA version of the driver', value: '13.0', source: 'NVML' },
        { name: 'number for CUDA', value: '0', source: 'CUDA driver' },
      ]),
    );
    // The third card counts, but gives no handle.
    expect(gpus[2]).toMatchObject({ state: 'present', stoppedBy: 'it fell off the bus: the card does not answer any more' });
  });

  it('that refuse are quoted', async () => {
    const report = await detect('fail');
    expect(report.devices.find((device) => device.name === 'NVIDIA Slow')).toMatchObject({
      state: 'present',
      stoppedBy: expect.stringContaining('nvidia_uvm'),
    });
    expect(report.probes.every((probe) => probe.ok)).toBe(true);
  });

  it.each([
    ['hang', 'no answer within 3000 ms; it said: cuInit hangs'],
    ['crash', 'SIGABRT; it said: driver: unrecoverable'],
  ])('that %s cost the NVIDIA probe alone', async (mode, said) => {
    const report = await detect(mode);
    expect(report.probes.filter((probe) => !probe.ok).map((probe) => probe.name)).toEqual(['nvidia']);
    expect(report.probes.find((probe) => probe.name === 'nvidia')?.error).toContain(said);
    expect(report.providers.find((provider) => provider.name === 'cuda')?.reason).toBe('Not checked: the nvidia probe failed.');
  });
});

const addon = loadNative();
it.runIf(addon !== undefined)('the addon answers for libraries that are not there, and refuses what it does not know', () => {
  expect(addon?.probeLibraries(['libedgewright-is-not-there.so.1'])).toEqual({
    libraries: [{ name: 'libedgewright-is-not-there.so.1', loads: false, error: expect.stringContaining('libedgewright-is-not-there.so.1') }],
  });
  expect(() => addon?.probe('nonsense' as 'cuda')).toThrow(TypeError);
  if (process.platform !== 'win32') expect(addon?.probe('dxgi')).toEqual({ loadError: 'it exists on Windows only' });
});
