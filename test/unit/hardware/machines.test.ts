/** Recorded machines in, reports out: states, reasons and remedies on hardware that is not here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type HardwareReport, HardwareReportSchema, hardwareReportText } from '#contract';
import { detectHardware, type Recording, RecordingSchema } from '#core/hardware';

const MACHINES = join(import.meta.dirname, '../../fixtures/machines');

function recording(name: string, change: (machine: Recording) => void = () => {}): Recording {
  const machine = RecordingSchema.parse(JSON.parse(readFileSync(join(MACHINES, `${name}.json`), 'utf8')));
  change(machine);
  return machine;
}

async function detect(name: string, change?: (machine: Recording) => void): Promise<HardwareReport> {
  const report = await detectHardware({ recording: recording(name, change) });
  expect(report.probes.filter((probe) => !probe.ok)).toEqual([]);
  return HardwareReportSchema.parse(report);
}

const provider = (report: HardwareReport, name: string) => report.providers.find((row) => row.name === name);
const device = (report: HardwareReport, kind: string) => report.devices.find((entry) => entry.kind === kind);

describe('a small virtual machine', () => {
  it('runs on its CPU and says what limits it', async () => {
    const report = await detect('vm-no-gpu');
    expect(report.summary).toBe('Runs on the CPU with AVX2. No GPU or NPU found.');
    expect(report.machine).toMatchObject({ os: 'Debian GNU/Linux 12 (bookworm)', virtualization: 'virtual machine (KVM)' });
    // 4 processors, 3 by affinity, 1.5 by quota; memory limited one level above the process's own group.
    expect(report.cpu).toMatchObject({ cores: 4, usableCores: 1.5, features: { AVX2: true, FMA: true, 'AVX-512 VNNI': false } });
    expect(report.memory).toEqual({ totalBytes: 16 * 2 ** 30, availableBytes: 3 * 2 ** 30, limitBytes: 4 * 2 ** 30 });
    expect(report.cpu.int8.path).toContain('saturate');
    expect(report.cpu.int8.advice).toContain('--reduce-range');
    expect(device(report, 'cpu')).toMatchObject({ state: 'verified', providers: ['cpu'] });
    expect(provider(report, 'cpu')).toMatchObject({ state: 'verified', proof: { nodes: { cpu: 1 } } });
    expect(device(report, 'gpu')).toMatchObject({ name: 'QEMU standard VGA', state: 'present', stoppedBy: 'it only drives a display' });
    expect(provider(report, 'cuda')).toMatchObject({ state: 'absent', reason: 'No NVIDIA GPU found.' });
  });

  it('reads the limits of control groups version 1 too', async () => {
    const report = await detect('vm-no-gpu', (machine) => {
      for (const path of Object.keys(machine.files)) if (path.startsWith('/sys/fs/cgroup')) delete machine.files[path];
      Object.assign(machine.files, {
        '/proc/self/cgroup': '4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1073741824\n',
        '/sys/fs/cgroup/memory/memory.usage_in_bytes': '73741824\n',
        '/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us': '100000\n',
      });
    });
    expect(report.cpu.usableCores).toBe(0.5);
    expect(report.memory).toMatchObject({ limitBytes: 1073741824, availableBytes: 1_000_000_000 });
  });

  it('does not claim what nobody tried', async () => {
    const report = await detect('vm-no-gpu', (machine) => {
      machine.proofs = {};
    });
    expect(provider(report, 'cpu')).toMatchObject({ state: 'runtime ok', reason: 'Not tried yet: no model was run on it.' });
    expect(device(report, 'cpu')).toMatchObject({ state: 'runtime ok', notTried: true, stoppedBy: 'Not tried yet: no model was run on it' });
    expect(hardwareReportText(report)).toContain('- State: runtime ok; Not tried yet');
    expect(report.summary).toBe('Would run on the CPU with AVX2; no model was run. No GPU or NPU found.');
  });

  it('says when WebGPU runs on a software renderer', async () => {
    const report = await detect('vm-no-gpu', (machine) => {
      machine.access['/usr/lib/x86_64-linux-gnu/libvulkan.so.1'] = 'ok';
      machine.files['/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'] = '{"ICD": {"library_path": "libvulkan_lvp.so"}}';
      machine.proofs.webgpu = { ok: true, nodes: { webgpu: 3 }, latencyMs: 4 };
    });
    expect(provider(report, 'webgpu')).toMatchObject({ state: 'verified', reason: expect.stringContaining('software renderer') });
    expect(report.summary).toBe('Runs on a software renderer (WebGPU) and the CPU with AVX2. No GPU or NPU found.');
    expect(device(report, 'gpu')?.state).toBe('present');
  });
});

describe('a workstation with an NVIDIA GPU', () => {
  it('names the one library that is missing, and how to get it', async () => {
    const report = await detect('nvidia-without-cudnn');
    expect(report.summary).toBe("Runs on the CPU with AVX-VNNI. The GPU can't be used yet: cuDNN 9 (libcudnn.so.9) is missing.");
    expect(provider(report, 'cuda')).toEqual({
      name: 'cuda',
      title: 'NVIDIA CUDA',
      state: 'driver ok',
      reason: 'cuDNN 9 (libcudnn.so.9) is missing.',
      remedy: { text: expect.any(String), command: 'sudo apt-get install cudnn9-cuda-13' },
    });
    expect(device(report, 'gpu')).toMatchObject({
      name: 'NVIDIA GeForce RTX 4070',
      vendor: 'NVIDIA',
      id: '0000:01:00.0',
      state: 'driver ok',
      stoppedBy: 'cuDNN 9 (libcudnn.so.9) is missing',
      driver: '580.65.06',
      memoryBytes: 12282 * 2 ** 20,
    });
    expect(device(report, 'gpu')?.facts).toContainEqual({ name: 'compute capability', value: '8.9', source: 'nvidia-smi' });
    expect(provider(report, 'tensorrt')).toMatchObject({
      state: 'driver ok',
      reason: expect.stringContaining('libonnxruntime_providers_tensorrt.so is missing'),
    });
  });

  it('is verified where a model ran', async () => {
    const report = await detect('nvidia-complete');
    expect(report.summary).toBe('Runs on NVIDIA GeForce RTX 4070 (NVIDIA CUDA, WebGPU) and the CPU with AVX-VNNI.');
    expect(provider(report, 'cuda')).toEqual({ name: 'cuda', title: 'NVIDIA CUDA', state: 'verified', proof: { nodes: { cuda: 3 }, latencyMs: 0.21 } });
    expect(device(report, 'gpu')?.stoppedBy).toBeUndefined();
  });

  it('tells a driver too old for the provider', async () => {
    const report = await detect('nvidia-complete', (machine) => {
      machine.commands['nvidia-smi'] = { code: 0, stdout: '| CUDA Version: 12.7 |', stderr: '' };
    });
    expect(provider(report, 'cuda')).toMatchObject({ state: 'driver ok', reason: 'The driver serves CUDA 12.7, and this provider is built for CUDA 13.' });
  });

  it('tells a library that is there but out of the reach of the loader', async () => {
    const report = await detect('nvidia-cuda-off-path');
    expect(provider(report, 'cuda')).toMatchObject({
      state: 'driver ok',
      remedy: { command: 'export LD_LIBRARY_PATH=/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}' },
    });
    const mended = await detect('nvidia-cuda-off-path', (machine) => {
      machine.env.LD_LIBRARY_PATH = '/usr/local/cuda/lib64';
    });
    expect(provider(mended, 'cuda')?.state).toBe('runtime ok');
  });

  it('tells the wrong driver, no driver, a driver that does not answer', async () => {
    const nouveau = await detect('nvidia-nouveau');
    expect(provider(nouveau, 'cuda')).toMatchObject({
      state: 'present',
      reason: 'The open nouveau driver is loaded, which has no CUDA.',
      remedy: { command: 'sudo ubuntu-drivers install' },
    });
    const none = await detect('nvidia-nouveau', (machine) => {
      delete machine.links['/sys/bus/pci/devices/0000:01:00.0/driver'];
    });
    expect(provider(none, 'cuda')?.reason).toBe('The NVIDIA driver is not loaded.');
    const mute = await detect('nvidia-complete', (machine) => {
      for (const key of Object.keys(machine.commands)) {
        if (key.startsWith('nvidia-smi'))
          machine.commands[key] = { code: 9, stdout: 'Failed to initialize NVML: Driver/library version mismatch\n', stderr: '' };
      }
    });
    expect(provider(mute, 'cuda')).toMatchObject({
      state: 'present',
      reason: 'The driver does not answer: Failed to initialize NVML: Driver/library version mismatch.',
    });
  });

  it('says why the proof failed, and does not count two GPUs where one ran', async () => {
    const failed = await detect('nvidia-complete', (machine) => {
      machine.proofs = { cuda: { ok: false, reason: 'Failed to load library libcudnn_graph.so.9: cannot open shared object file' } };
    });
    expect(provider(failed, 'cuda')).toMatchObject({
      state: 'runtime ok',
      reason: expect.stringContaining('libcudnn_graph.so.9'),
      remedy: { text: expect.stringContaining('libcudnn_graph.so.9') },
    });
    const two = await detect('nvidia-complete', (machine) => {
      const first = '/sys/bus/pci/devices/0000:01:00.0';
      const second = '/sys/bus/pci/devices/0000:02:00.0';
      for (const file of ['class', 'vendor', 'device']) machine.files[`${second}/${file}`] = machine.files[`${first}/${file}`] ?? '';
      machine.links[`${second}/driver`] = '../../../bus/pci/drivers/nvidia';
      delete machine.proofs.webgpu;
    });
    expect(two.devices.filter((entry) => entry.kind === 'gpu').map((entry) => entry.state)).toEqual(['verified', 'runtime ok']);
  });
});

describe('other machines', () => {
  it('finds the Jetson and says honestly that nothing reaches its GPU from here', async () => {
    const report = await detect('jetson-orin-nano');
    expect(report.summary).toBe(
      "Runs on the CPU with NEON dot product. The GPU can't be used from here: ONNX Runtime for Node has no CUDA provider for Linux on arm64.",
    );
    expect(device(report, 'gpu')).toMatchObject({
      name: expect.stringContaining('Jetson'),
      state: 'driver ok',
      driver: 'L4T R36 (release), REVISION: 4.3, JetPack 6',
      providers: [],
    });
    expect(provider(report, 'cuda')).toMatchObject({ state: 'driver ok', reason: 'ONNX Runtime for Node has no CUDA provider for Linux on arm64.' });
    expect(provider(report, 'webgpu')?.state).toBe('absent');
    expect(report.cpu).toMatchObject({ model: expect.stringContaining('Jetson Orin Nano'), features: { 'NEON dot product': true, I8MM: false } });
    expect(report.cpu.int8.advice).toContain('S8S8');
  });

  it('merges an NPU on bus and class, and tells a device node this user may not open', async () => {
    const report = await detect('intel-npu-laptop');
    expect(report.summary).toBe(
      "Runs on the CPU with AVX-VNNI. The GPU can't be used yet: no Vulkan driver for it is installed. The NPU can't be used yet: this user may not open /dev/accel/accel0.",
    );
    expect(report.devices.filter((entry) => entry.kind === 'npu')).toHaveLength(1);
    expect(device(report, 'npu')).toMatchObject({
      name: 'Intel NPU (Meteor Lake)',
      id: '0000:00:0b.0',
      state: 'present',
      driver: 'intel_vpu',
      remedy: { command: 'sudo usermod -aG render "$USER"' },
    });
    expect(provider(report, 'openvino')).toMatchObject({ state: 'present', reason: expect.stringContaining('Intel NPU (Meteor Lake) would need it') });
    const open = await detect('intel-npu-laptop-open');
    expect(device(open, 'npu')).toMatchObject({ state: 'driver ok', stoppedBy: expect.stringContaining('no runtime path from here') });
    expect(provider(open, 'webgpu')).toMatchObject({ state: 'runtime ok', remedy: { command: 'sudo apt-get install mesa-vulkan-drivers' } });
    const bare = await detect('intel-npu-laptop-open', (machine) => {
      machine.commands['/sbin/ldconfig -p'] = { code: 0, stdout: '', stderr: '' };
      machine.access = { '/dev/accel/accel0': 'ok' };
    });
    expect(device(bare, 'npu')?.stoppedBy).toBe('Intel NPU user-space driver (libze_intel_npu.so.1) is missing');
  });

  it('sees the GPU of WSL once, by its NVIDIA name', async () => {
    const report = await detect('wsl-nvidia');
    expect(report.machine.virtualization).toBe('WSL 2');
    expect(report.devices.filter((entry) => entry.kind === 'gpu')).toHaveLength(1);
    expect(device(report, 'gpu')).toMatchObject({ name: 'NVIDIA GeForce RTX 3060', id: '0000:0b:00.0', driver: '566.36', state: 'driver ok' });
    // The pack is built for CUDA 13: installing it under this driver would mend nothing.
    expect(provider(report, 'cuda')).toMatchObject({
      state: 'driver ok',
      reason: 'The driver serves CUDA 12.7, and this provider is built for CUDA 13.',
      remedy: { text: expect.stringContaining('580 or newer') },
    });
  });

  it('reads Windows as Windows lists itself', async () => {
    const report = await detect('windows-laptop');
    expect(report.summary).toBe(
      "Runs on Intel(R) Arc(TM) 140V GPU (16GB) (DirectML, WebGPU) and the CPU with AVX-VNNI. The NPU can't be used from here: ONNX Runtime for Node has no OpenVINO provider.",
    );
    expect(report.devices.map((entry) => entry.name)).not.toContain('Microsoft Basic Display Adapter');
    expect(provider(report, 'dml')?.state).toBe('verified');
    expect(provider(report, 'coreml')).toMatchObject({ state: 'absent', reason: 'Core ML exists on macOS only.' });
  });

  it('claims nothing about the Neural Engine', async () => {
    const report = await detect('macbook-m2');
    expect(report.summary).toBe(
      'Runs on Apple M2 (Apple Core ML) and the CPU with I8MM. Core ML decides by itself whether it uses the Neural Engine, and does not say.',
    );
    expect(device(report, 'npu')?.state).toBe('driver ok');
    expect(report.cpu.features).toMatchObject({ NEON: true, I8MM: true, SME: false });
  });
});

it('refuses what is no recording, naming the field', async () => {
  const wrong = { ...recording('vm-no-gpu'), files: { '/proc/cpuinfo': 7 } };
  await expect(detectHardware({ recording: wrong })).rejects.toMatchObject({
    code: 'hardware.recording-wrong',
    owner: 'input',
    found: expect.stringContaining('files./proc/cpuinfo'),
  });
  await expect(detectHardware({ recording: 'x' })).rejects.toMatchObject({ code: 'hardware.recording-wrong' });
});
