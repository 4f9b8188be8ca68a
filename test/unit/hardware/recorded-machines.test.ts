/**
 * Machines nobody here has, composed from what people published of theirs (each recording's note says from where): how far each
 * device gets, what stops it, and the remedy.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hardwareReportText, type HardwareReport, HardwareReportSchema } from '#contract';
import { detectHardware, parseRecording } from '#core/hardware';

const MACHINES = join(import.meta.dirname, '../../fixtures/machines');

async function detect(name: string): Promise<HardwareReport> {
  const recording = parseRecording(JSON.parse(readFileSync(join(MACHINES, `${name}.json`), 'utf8')));
  return HardwareReportSchema.parse(await detectHardware({ recording }));
}

/** `kind name: state; what stops it` of every device but the CPU. */
const lines = (report: HardwareReport) =>
  report.devices
    .filter((device) => device.kind !== 'cpu')
    .map((device) => `${device.kind} ${device.name}: ${device.state}${device.stoppedBy ? `; ${device.stoppedBy}` : ''}`);
const commandOf = (report: HardwareReport, name: string) => report.devices.find((device) => device.name.includes(name))?.remedy?.command;
const row = (report: HardwareReport, name: string) => report.providers.find((provider) => provider.name === name);

it.each(readdirSync(MACHINES).map((file) => file.replace(/\.json$/, '')))(
  '%s: every probe answers, every stop has its reason, and the text names no host',
  async (name) => {
    const report = await detect(name);
    expect(report.probes.filter((probe) => !probe.ok)).toEqual([]);
    for (const device of report.devices) expect(device.state === 'verified' || device.stoppedBy !== undefined, device.name).toBe(true);
    for (const provider of report.providers) expect(provider.proof ?? provider.reason, provider.name).toBeTruthy();
    for (const device of report.devices) expect(device.name).not.toMatch(/undefined|\[object/);
    const text = hardwareReportText(report);
    for (const device of report.devices) expect(text).toContain(`### ${device.name}`);
    expect(text).not.toMatch(/undefined|recorded/);
  },
);

describe('processors', () => {
  it('counts sockets, cores and threads of a large server, and caches', async () => {
    const { cpu } = await detect('epyc-384-threads');
    expect(cpu).toMatchObject({ cores: 384, usableCores: 384, sockets: 2, physicalCores: 192 });
    expect(cpu.caches).toContainEqual({ name: 'L3', bytes: 32 * 2 ** 20, sharedBy: 16 });
    expect(cpu.int8.path).toContain('VNNI');
  });

  it('names Arm cores by their part, and says what a container may use', async () => {
    const report = await detect('graviton-container');
    expect(report.cpu).toMatchObject({ model: '64 × Neoverse V1', cores: 64, usableCores: 2, limits: ['the CPU quota of its control group: 2'] });
    expect(report.cpu.features).toMatchObject({ 'NEON dot product': true, I8MM: true, SVE: true, SME: false });
    expect(report.memory.limitBytes).toBe(4 * 2 ** 30);
    expect(report.machine.virtualization).toBe('container (Docker)');
    const rock = await detect('rock-5b');
    expect(rock.cpu.kinds).toEqual([
      { name: 'Cortex-A55', count: 4 },
      { name: 'Cortex-A76', count: 4 },
    ]);
  });

  it('tells hybrid cores apart, on Linux and on macOS', async () => {
    expect((await detect('hybrid-laptop-after-standby')).cpu.kinds).toEqual([
      { name: 'performance (threads)', count: 12 },
      { name: 'efficiency', count: 8 },
    ]);
    const mac = await detect('macbook-m4-pro');
    expect(mac.cpu).toMatchObject({
      physicalCores: 12,
      kinds: [
        { name: 'performance', count: 8 },
        { name: 'efficiency', count: 4 },
      ],
    });
    expect(mac.cpu.features).toMatchObject({ SME: true, SME2: true, FP16: true });
  });
});

describe('NVIDIA', () => {
  it('finds the one lost card among four, although nvidia-smi speaks of none', async () => {
    const report = await detect('four-gpus-one-lost');
    const states = report.devices.filter((device) => device.kind === 'gpu').map((device) => device.stoppedBy);
    expect(states.filter((text) => text?.startsWith('it fell off the bus'))).toHaveLength(1);
    expect(report.devices.find((device) => device.id === '0000:0b:00.0')).toMatchObject({ name: 'NVIDIA GeForce RTX 2080 Ti', state: 'present' });
    expect(row(report, 'cuda')).toMatchObject({
      reason: 'The driver is 520.61.05, and this provider is built for CUDA 13.',
      remedy: { text: expect.stringContaining('580 or newer') },
    });
  });

  it('names both versions where module and libraries differ', async () => {
    const report = await detect('nvidia-after-update');
    expect(lines(report)).toEqual([
      'gpu NVIDIA GeForce RTX 3090: present; the driver does not answer: kernel module 535.183.01 and libraries 535.216.01 differ in version',
    ]);
    expect(commandOf(report, 'RTX 3090')).toBe('sudo reboot');
  });

  it('advises no pack to a card that CUDA 13 no longer serves', async () => {
    const report = await detect('nvidia-pascal');
    expect(row(report, 'cuda')).toMatchObject({ state: 'driver ok', reason: expect.stringContaining('compute capability 7.5 and newer') });
    expect(row(report, 'cuda')?.remedy).toBeUndefined();
  });

  it('tells MIG with and without instances, by what NVML and CUDA say', async () => {
    const report = await detect('h100-mig');
    expect(report.devices.filter((device) => device.kind === 'gpu').map((device) => device.state)).toEqual(['driver ok', 'driver ok', 'present']);
    expect(report.devices.at(-1)).toMatchObject({ stoppedBy: 'it is cut into instances (MIG), but none was made' });
    const whole = report.devices.find((device) => device.id === '0000:18:00.0');
    expect(whole).toMatchObject({ memoryBytes: 85520809984, memoryFreeBytes: 85028503552, driver: '580.65.06' });
    expect(whole?.facts).toContainEqual({ name: 'compute capability', value: '9.0', source: 'NVML' });
    expect(whole?.facts).toContainEqual({
      name: 'the CUDA runtime 13',
      value: '13.0, loads, out of reach of the loader',
      source: '/usr/local/cuda/lib64/libcudart.so.13',
    });
  });

  it('tells a container without its GPU from a machine without a driver', async () => {
    const report = await detect('container-without-gpu');
    expect(lines(report)).toEqual(['gpu NVIDIA Tesla T4: present; libcuda.so.1 is missing in this container']);
    expect(report.devices.find((device) => device.name.includes('T4'))?.remedy?.text).toContain('--gpus all');
    expect(commandOf(report, 'T4')).toMatch(/^sudo nvidia-ctk runtime configure/);
    const old = await detect('vmware-passthrough-new-kernel');
    expect(old.machine.virtualization).toBe('virtual machine (VMware)');
    expect(lines(old)[1]).toContain('its kernel module is not built for the kernel that runs');
  });

  it('knows CUDA error 999, and that the other GPU is not to blame', async () => {
    const report = await detect('hybrid-laptop-after-standby');
    expect(lines(report)[1]).toContain('CUDA does not start (error 999)');
    expect(commandOf(report, 'RTX 4060')).toBe('sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm');
    expect(report.devices.find((device) => device.vendor === 'Intel')).toMatchObject({ state: 'runtime ok' });
  });
});

describe('neural processors and boards', () => {
  it('says which kernel, firmware, node, group or version is missing', async () => {
    const strix = await detect('ryzen-ai-old-kernel');
    expect(lines(strix)[1]).toBe(
      'npu AMD XDNA 2 NPU (Strix, Strix Halo, Krackan): present; no kernel driver is bound to it: amdxdna came with Linux 6.14, and 6.12.48+deb13-amd64 runs',
    );
    const lunar = await detect('lunar-lake-root-only');
    expect(commandOf(lunar, 'NPU')).toContain('sudo chgrp render /dev/accel/accel0');
    const pi = await detect('raspberry-pi-5-hailo');
    expect(lines(pi)[0]).toBe('npu Hailo-8 accelerator: driver ok; its driver (4.21.0) and HailoRT (4.19.0) differ in version');
    expect(pi.devices.filter((device) => device.kind === 'npu')).toHaveLength(1);
    const xavier = await detect('jetson-agx-xavier');
    expect(xavier.devices.map((device) => device.remedy?.command).filter(Boolean)).toEqual(['sudo usermod -aG video "$USER"']);
    expect(xavier.devices.at(-1)?.remedy?.text).toContain('log out and in again');
  });

  it('is honest about what has no way in from here', async () => {
    for (const name of ['rock-5b', 'raspberry-pi-5-hailo', 'mini-pc-corals', 'jetson-agx-xavier', 'imac-intel']) {
      const report = await detect(name);
      for (const device of report.devices.filter((entry) => entry.kind === 'npu')) {
        expect(device).toMatchObject({ noPath: true, providers: [] });
        if (device.remedy) expect(device.remedy.text).toContain('ONNX Runtime for Node does not reach it');
      }
    }
    expect((await detect('rock-5b')).summary).toContain("can't be used from here");
  });

  it('finds sticks on USB and says what they lack', async () => {
    const report = await detect('mini-pc-corals');
    expect(lines(report)).toEqual([
      'gpu Intel UHD Graphics (Alder Lake-N): present; this user may not open /dev/dri/renderD128',
      'npu Google Coral Edge TPU: present; no kernel driver is bound to it',
      expect.stringContaining('npu Movidius Myriad X'),
      'npu Coral USB accelerator: present; this user may not open /dev/bus/usb/002/003',
    ]);
    expect(commandOf(report, 'Coral USB')).toBe('sudo usermod -aG plugdev "$USER"');
  });
});

describe('Windows and macOS', () => {
  it('reads DXGI and DXCore: one GPU, one NPU, no software adapter', async () => {
    const report = await detect('windows-snapdragon-x');
    expect(lines(report)).toEqual([
      'gpu Qualcomm(R) Adreno(TM) X1-85 GPU: verified',
      expect.stringMatching(/^npu Snapdragon.*Hexagon.*: driver ok; .* has no QNN provider: no runtime path from here$/),
    ]);
    expect(report.devices[1]).toMatchObject({ vendor: 'Qualcomm', driver: '31.0.121.1' });
  });

  it("repeats the device manager's codes in words", async () => {
    const report = await detect('windows-gpu-code-43');
    expect(lines(report)).toEqual([
      'gpu AMD Radeon(TM) 780M Graphics: runtime ok; Not tried yet: no model was run on it',
      'gpu NVIDIA GeForce RTX 3060: present; Windows says of it: it reported a failure and Windows stopped it (code 43)',
      'npu AMD IPU Device: present; Windows says of it: its driver is not installed (code 28)',
    ]);
    expect(report.devices.at(-1)).toMatchObject({ noPath: true, remedy: { text: expect.stringContaining('does not reach it') } });
    // The card that stands still is no reason for DirectML to stop: the other one works.
    expect(row(report, 'dml')?.state).toBe('runtime ok');
  });

  it('gives a Mac its Neural Engine, a virtual one none, and no Linux command to either', async () => {
    const mac = await detect('macbook-m4-pro');
    expect(mac.devices.find((device) => device.kind === 'npu')?.facts).toContainEqual({ name: 'cores', value: '16', source: 'IORegistry' });
    expect(row(mac, 'webgpu')?.remedy).toBeUndefined();
    expect((await detect('mac-virtual')).devices.some((device) => device.kind === 'npu')).toBe(false);
    const intel = await detect('imac-intel');
    expect(intel.cpu.features).toMatchObject({ AVX2: true, FMA: true });
    expect(lines(intel)).toEqual([
      'gpu Radeon Pro 580X: driver ok; Radeon Pro 580X is there, but ONNX Runtime for Node has no GPU provider: no runtime path from here',
    ]);
  });
});

describe('other ways to see the same', () => {
  it('follows the links of a captured tree', async () => {
    const report = await detect('arc-tree-of-links');
    expect(report.devices[1]).toMatchObject({ name: 'Intel Arc A770', id: '0000:03:00.0', driver: 'i915', memoryBytes: 17095983104, state: 'driver ok' });
    expect(report.cpu).toMatchObject({ usableCores: 6, limits: ['the cpuset of its control group: 6'] });
    expect(commandOf(report, 'A770')).toMatch(/^sudo pacman -S /);
  });

  it('reads what people paste of lspci where the tree is hidden', async () => {
    expect(lines(await detect('lspci-only'))).toEqual([
      'gpu AMD Radeon RX 7900 XT/XTX: present; no Vulkan driver for it is installed',
      'npu Intel Habana Gaudi2: present; no kernel driver is bound to it: the module habanalabs is not loaded',
    ]);
  });

  it('sees the GPU of Windows through WSL', async () => {
    const report = await detect('wsl-intel');
    expect(report.machine.virtualization).toBe('WSL 2');
    expect(lines(report)).toEqual(['gpu Microsoft GPU shared by Windows: present; no Vulkan driver for it is installed']);
  });
});
