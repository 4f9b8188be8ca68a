/** Recordings as foreign input: bounded, and only ever looked things up in; and what of a machine may get into one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hardwareReportText, HardwareReportSchema } from '#contract';
import { detectHardware, MAX_RECORDING_BYTES, parseRecording, readRecording } from '#core/hardware';
import { countCpus, parseCpuList } from '../../../app/core/hardware/cpu-list.ts';
import { recordingMachine, withoutPerson } from '../../../app/core/hardware/recorder.ts';
import { replayMachine } from '../../../app/core/hardware/replay.ts';

const FACTS = { platform: 'linux', arch: 'x64', totalMemoryBytes: 2 ** 34, freeMemoryBytes: 2 ** 33, cores: 8, usableCores: 8 };
const minimal = (parts: Record<string, unknown> = {}): unknown => ({ format: 'edgewright-machine/1', facts: FACTS, ...parts });
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe('a recording', () => {
  it('may leave out every part it has nothing to say in', async () => {
    const report = await detectHardware({ recording: minimal() });
    expect(report.probes.every((probe) => probe.ok)).toBe(true);
    expect(report.devices).toHaveLength(1);
    expect(report.providers.find((provider) => provider.name === 'cpu')?.state).toBe('runtime ok');
  });

  it.each([
    ['too large', new Uint8Array(MAX_RECORDING_BYTES + 1), 'bytes'],
    ['no JSON', new TextEncoder().encode('{"format": '), 'not JSON'],
    ['no UTF-8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), 'not JSON'],
    ['nested without end', new TextEncoder().encode('['.repeat(200_000)), 'not JSON'],
    ['a path upwards', bytes(minimal({ files: { '/sys/../etc/passwd': 'x' } })), 'files'],
    ['a relative path', bytes(minimal({ files: { 'etc/passwd': 'x' } })), 'files'],
    ['too many files', bytes(minimal({ files: Object.fromEntries(Array.from({ length: 20_001 }, (_, i) => [`/f${i}`, ''])) })), '20000'],
    ['a number for a text', bytes(minimal({ commands: { lspci: { code: 0, stdout: 7 } } })), 'commands'],
    ['impossible memory', bytes({ format: 'edgewright-machine/1', facts: { ...FACTS, totalMemoryBytes: 1e300 } }), 'facts.totalMemoryBytes'],
    ['no processor', bytes({ format: 'edgewright-machine/1', facts: { ...FACTS, cores: 0 } }), 'facts.cores'],
    ['another format', bytes({ format: 'edgewright-machine/2', facts: FACTS }), 'format'],
  ])('is refused: %s', (_, content, found) => {
    expect(() => readRecording(content)).toThrow(
      expect.objectContaining({ code: 'hardware.recording-wrong', owner: 'input', found: expect.stringContaining(found) }),
    );
  });

  it("whose paths are an object's own words is looked up like any other", async () => {
    const text =
      '{"format":"edgewright-machine/1","facts":' + JSON.stringify(FACTS) + ',"answers":{"constructor":1,"__proto__":{"graphics":{}}},"env":{"__proto__":"x"}}';
    const machine = replayMachine(readRecording(new TextEncoder().encode(text)));
    expect(await machine.ask('graphics')).toBeUndefined();
    expect(await machine.readText('/__proto__')).toBeUndefined();
    expect(await machine.run('constructor', [])).toBeUndefined();
  });

  it('with links in a circle ends', async () => {
    const machine = replayMachine(parseRecording(minimal({ links: { '/a': '/b', '/b': 'a', '/c': 'c/c/c/c' }, files: { '/a/x': '1' } })));
    expect(await machine.readText('/a/x')).toBeDefined();
    expect(await machine.readText('/c/x')).toBeUndefined();
    expect(await machine.link('/a')).toBe('/b');
  });

  it('cannot move a cursor, turn writing round or flood a report', async () => {
    const bus = '/sys/bus/pci/devices';
    const files: Record<string, string> = {};
    for (let i = 0; i < 2000; i++) {
      const dir = `${bus}/0000:${i.toString(16).padStart(4, '0')}:00.0`;
      Object.assign(files, { [`${dir}/class`]: '0x030000', [`${dir}/vendor`]: '0x1002', [`${dir}/device`]: '0xffff' });
    }
    const evil = '\u001b[2J\u001b]0;title\u0007\u202egnp.exe\u200b' + 'A'.repeat(5000);
    const recording = minimal({
      files,
      facts: { ...FACTS, cpuModel: evil.slice(0, 1000), onnxruntime: '1.30.0' },
      commands: { 'lspci -mm -D': { code: 0, stdout: `0000:0000:00.0 "VGA" "AMD" "${evil}" ""\n` } },
      answers: { 'driver:nvml': { library: 'x', error: { step: 'nvmlInit', code: 1, name: '\u001b[31mred' } } },
      proofs: { cpu: { ok: false, reason: '\u001b[1mno\u0000' } },
    });
    const report = HardwareReportSchema.parse(await detectHardware({ recording }));
    const text = hardwareReportText(report) + JSON.stringify(report);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b]/);
    expect(report.devices.length).toBeLessThanOrEqual(257);
    for (const device of report.devices) expect(device.name.length).toBeLessThan(2100);
  });

  it('with nonsense where a driver should speak fails that probe and says so', async () => {
    const report = await detectHardware({ recording: minimal({ answers: { 'driver:cuda': { devices: 'many' }, 'driver:nvml': 7 } }) });
    expect(report.probes.filter((probe) => !probe.ok)).toMatchObject([
      { name: 'nvidia', error: expect.stringContaining('the CUDA driver answered nonsense: devices') },
    ]);
    expect(report.providers.find((provider) => provider.name === 'cuda')?.reason).toBe('Not checked: the nvidia probe failed.');
  });

  it('gives a sound report whatever its files and commands say', async () => {
    const words = fc.constantFrom(
      '0x10de',
      '0x030000',
      '-1',
      '99999999999999999999',
      'max',
      '0-7',
      '7-0',
      '0-65535',
      'flags: avx2',
      'processor\t: 0\n\nCPU part\t: 0xd0b',
      '\0',
      '100000 0',
      'MemTotal: 1 kB',
      'nvidia,tegra234\0',
      '[1,2',
      'DRIVER=x\nPCI_ID=10DE:2684',
    );
    const paths = fc.constantFrom(
      '/proc/cpuinfo',
      '/proc/meminfo',
      '/proc/self/status',
      '/proc/self/cgroup',
      '/sys/fs/cgroup/cpu.max',
      '/sys/fs/cgroup/memory.max',
      '/sys/devices/system/cpu/online',
      '/sys/bus/pci/devices/0000:01:00.0/class',
      '/sys/bus/pci/devices/0000:01:00.0/vendor',
      '/sys/bus/pci/devices/0000:01:00.0/device',
      '/sys/class/accel/accel0/device/uevent',
      '/proc/device-tree/compatible',
      '/proc/driver/nvidia/version',
      '/sys/class/drm/renderD128/device/uevent',
      '/sys/bus/usb/devices/1-1/idVendor',
      '/etc/os-release',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(paths, fc.oneof(words, fc.string({ maxLength: 80 }))),
        fc.dictionary(
          fc.constantFrom('nvidia-smi', 'nvidia-smi -q', 'lspci -nn', '/sbin/ldconfig -p', 'nvidia-smi -L'),
          fc.record({ code: fc.constantFrom(0, 1, null), stdout: fc.string({ maxLength: 200 }) }),
        ),
        fc.constantFrom('linux', 'win32', 'darwin', 'haiku'),
        async (files, commands, platform) => {
          const report = await detectHardware({ recording: minimal({ files, commands, facts: { ...FACTS, platform } }) });
          HardwareReportSchema.parse(report);
          expect(report.probes.filter((probe) => !probe.ok)).toEqual([]);
          expect(report.cpu.usableCores).toBeGreaterThan(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('what people paste', () => {
  const linux = (commands: Record<string, unknown>, files: Record<string, string> = {}) => detectHardware({ recording: minimal({ commands, files }) });

  it('of nvidia-smi: other fields, with a head and units, beside plain lspci', async () => {
    const report = await linux({
      '/usr/bin/nvidia-smi --query-gpu=index,name,driver_version,memory.total --format=csv': {
        stdout: 'index, name, driver_version, memory.total [MiB]\n0, NVIDIA A10G, 535.54.03, 23028 MiB\n',
      },
      lspci: { stdout: '00:00.0 Host bridge: Intel Corporation 440FX\n00:1e.0 3D controller: NVIDIA Corporation GA102GL [A10G] (rev a1)\n' },
    });
    expect(report.devices.slice(1)).toMatchObject([{ name: 'NVIDIA A10G', id: '0000:00:1e.0', memoryBytes: 23028 * 2 ** 20, driver: '535.54.03' }]);
  });

  it('of nvidia-smi: its table, and its long form', async () => {
    const table = await linux({
      'nvidia-smi': {
        stdout: `| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |
|=========================================+========================+======================|
|   0  NVIDIA GeForce RTX 3090        Off |   00000000:01:00.0  On |                  N/A |
| 30%   38C    P8             23W /  350W |     512MiB /  24576MiB |      0%      Default |
`,
      },
    });
    expect(table.devices[1]).toMatchObject({ name: 'NVIDIA GeForce RTX 3090', id: '0000:01:00.0', memoryBytes: 24576 * 2 ** 20, driver: '550.54.15' });
    const long = await linux({
      'nvidia-smi -q': {
        stdout:
          'Driver Version                            : 580.65.06\nCUDA Version                              : 13.0\n\nAttached GPUs : 1\nGPU 00000000:65:00.0\n    Product Name                          : NVIDIA L4\n    MIG Mode\n        Current                           : N/A\n    FB Memory Usage\n        Total                             : 23034 MiB\n',
      },
    });
    expect(long.devices[1]).toMatchObject({ name: 'NVIDIA L4', id: '0000:65:00.0', memoryBytes: 23034 * 2 ** 20 });
  });

  it('of lscpu, lsusb and vulkaninfo', async () => {
    const report = await linux(
      {
        lscpu: { stdout: 'Architecture: x86_64\nModel name:            AMD Ryzen 5 5600G\nFlags:                 fpu avx avx2 fma f16c\n' },
        lsusb: { stdout: 'Bus 001 Device 001: ID 1d6b:0002 Linux Foundation 2.0 root hub\nBus 002 Device 004: ID 18d1:9302 Google Inc.\n' },
        'lspci -nn': { stdout: '04:00.0 VGA compatible controller [0300]: Advanced Micro Devices, Inc. [AMD/ATI] Cezanne [1002:1638] (rev c9)\n' },
        'vulkaninfo --summary': {
          stdout:
            'Devices:\n========\nGPU0:\n\tapiVersion         = 1.3.255\n\tvendorID           = 0x1002\n\tdeviceID           = 0x1638\n\tdeviceType         = PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU\n\tdeviceName         = AMD Radeon Graphics (RADV RENOIR)\n\tdriverName         = radv\n\tdriverInfo         = Mesa 23.2.1\n',
        },
        '/sbin/ldconfig -p': { stdout: '\tlibvulkan.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libvulkan.so.1\n' },
      },
      { '/usr/share/vulkan/icd.d/radeon_icd.json': '{"ICD":{"library_path":"libvulkan_radeon.so"}}' },
    );
    expect(report.cpu).toMatchObject({ model: 'AMD Ryzen 5 5600G', features: { AVX2: true, FMA: true } });
    expect(report.devices.map((device) => device.name)).toEqual(['AMD Ryzen 5 5600G', 'AMD Radeon Graphics (Cezanne)', 'Coral USB accelerator']);
    expect(report.devices[1]?.facts).toContainEqual({ name: 'Vulkan', value: '1.3, radv Mesa 23.2.1', source: 'vkEnumeratePhysicalDevices' });
  });

  it('of two cards alike in Windows: each gets what its own driver says', async () => {
    const name = 'NVIDIA GeForce RTX 4090';
    const recording = minimal({
      facts: { ...FACTS, platform: 'win32' },
      answers: {
        'driver:dxgi': { adapters: [1, 2].map((index) => ({ index, name, vendorId: 0x10de, deviceId: 0x2684, luid: `0:${index}` })) },
        'driver:nvml': { devices: [1, 2].map((index) => ({ index, name, busId: `00000000:0${index}:00.0`, freeBytes: index * 1e9 })) },
      },
    });
    const cards = (await detectHardware({ recording })).devices.slice(1);
    expect(cards).toMatchObject([
      { name, memoryFreeBytes: 1e9 },
      { name, memoryFreeBytes: 2e9 },
    ]);
  });

  it('of a Mac', async () => {
    const recording = minimal({
      facts: { ...FACTS, platform: 'darwin', arch: 'arm64' },
      commands: {
        'sysctl -a': { stdout: 'hw.optional.arm64: 1\nhw.optional.arm.FEAT_I8MM: 1\nhw.optional.arm.FEAT_DotProd: 1\n' },
        'system_profiler SPDisplaysDataType': {
          stdout:
            'Graphics/Displays:\n\n    Apple M3:\n\n      Chipset Model: Apple M3\n      Type: GPU\n      Total Number of Cores: 10\n      Vendor: Apple (0x106b)\n      Metal Support: Metal 3\n',
        },
      },
    });
    const report = await detectHardware({ recording });
    expect(report.cpu.features).toMatchObject({ I8MM: true });
    expect(report.devices[1]).toMatchObject({ kind: 'gpu', name: 'Apple M3', vendor: 'Apple' });
    expect(report.devices[1]?.facts).toContainEqual({ name: 'GPU cores', value: '10', source: 'system_profiler' });
  });
});

describe('what is recorded', () => {
  it('names neither person, machine nor part', () => {
    const person = { home: '/home/alice', user: 'alice', host: 'alices-laptop' };
    const recorded = withoutPerson(
      {
        env: { LD_LIBRARY_PATH: '/home/alice/cuda/lib:/home/bob/lib' },
        access: { '/home/alice/cuda/lib/libcudart.so.13': 'ok' },
        owners: { '/dev/accel/accel0': { group: 'alice', groupMay: true, listed: true } },
        files: {
          '/proc/cpuinfo': 'Model\t\t: Raspberry Pi 5\nSerial\t\t: 10000000deadbeef\n',
          '/proc/self/cgroup': '0::/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n',
          '/proc/1/cgroup': '0::/kubepods/burstable/pod5c1a2b3d-79ee-1016-8ea3-c1fff3f1c1d2\n1::/kubepods-pod6c1a2b3d_79ee_1016_8ea3_c1fff3f1c1d2.slice\n',
        },
        commands: {
          'nvidia-smi -q': {
            code: 0,
            stdout:
              '    Serial Number                         : 1320220000123\n    GPU UUID : GPU-67a571b1-79ee-1016-8ea3-c1fff3f1c1d2\nalices-laptop aa:bb:cc:dd:ee:ff\n',
            stderr: '',
          },
        },
        answers: { graphics: { displays: '{"_spdisplays_display-serial-number" : "C02XX"}' } },
      },
      person,
    );
    const text = JSON.stringify(recorded);
    for (const secret of [
      'alice',
      'bob',
      'deadbeef',
      '0123456789abcdef0',
      '1320220000123',
      '67a571b1',
      '5c1a2b3d',
      '6c1a2b3d',
      'c1fff3f1c1d2',
      'aa:bb:cc',
      'C02XX',
    ])
      expect(text).not.toContain(secret);
    // What belongs together still does.
    expect(Object.keys(recorded.access)).toEqual(['/home/user/cuda/lib/libcudart.so.13']);
    expect(recorded.env.LD_LIBRARY_PATH).toContain('/home/user/cuda/lib');
  });

  it('says only that it was set of a variable which holds an address or a name that somebody gave', () => {
    const source = replayMachine(
      parseRecording(minimal({ env: { KUBERNETES_SERVICE_HOST: '10.96.0.1', WSL_DISTRO_NAME: 'alices', CUDA_VISIBLE_DEVICES: '1' } })),
    );
    const { machine, parts } = recordingMachine(source);
    expect(machine.env('KUBERNETES_SERVICE_HOST')).toBe('10.96.0.1');
    for (const name of ['WSL_DISTRO_NAME', 'CUDA_VISIBLE_DEVICES', 'container'] as const) machine.env(name);
    expect(parts.env).toEqual({ KUBERNETES_SERVICE_HOST: 'set', WSL_DISTRO_NAME: 'set', CUDA_VISIBLE_DEVICES: '1' });
  });

  it('is answered the same when replayed', async () => {
    const source = replayMachine(
      parseRecording(
        minimal({
          files: { '/a': '1' },
          bytes: { '/b': 'ffffffff' },
          access: { '/dev/x': 'denied' },
          owners: { '/dev/x': { group: 'render', groupMay: true, listed: false } },
          commands: { 'c -d': { code: 3 } },
          answers: { 'load:libx.so': { name: 'libx.so', loads: true }, 'pci:10de:2786': 'AD104' },
        }),
      ),
    );
    const { machine, parts } = recordingMachine(source);
    const ask = async (of: typeof machine) => [
      await of.readText('/a'),
      await of.readHex('/b', 4),
      await of.access('/dev/x'),
      await of.owner('/dev/x'),
      await of.run('c', ['-d']),
      await of.load(['libx.so', 'liby.so']),
      await of.pciName('10de', '2786'),
      await of.access('/absent'),
    ];
    const first = await ask(machine);
    expect(await ask(replayMachine(parseRecording(minimal(parts as unknown as Record<string, unknown>))))).toEqual(first);
  });
});

describe('lists of processors', () => {
  it.each([
    ['0-3,8', 5],
    ['0', 1],
    ['0-3,2-5', 6],
    [' 0-383\n', 384],
    ['', undefined],
    ['7-0', undefined],
    ['0-99999999', undefined],
    ['a', undefined],
  ])('%j names %s', (text, count) => {
    expect(countCpus(text)).toBe(count);
  });

  it('count what they list, each once', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(200), fc.nat(20)), { minLength: 1, maxLength: 12 }), (ranges) => {
        const text = ranges.map(([first, more]) => (more === 0 ? `${first}` : `${first}-${first + more}`)).join(',');
        const all = new Set(ranges.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, i) => first + i)));
        expect(countCpus(text)).toBe(all.size);
        expect(parseCpuList(text)).toHaveLength(ranges.length);
      }),
    );
  });
});
