/**
 * Neural processors on Linux: on the bus, behind the accel class, in a chip, on a stick. None of them can be reached from ONNX
 * Runtime for Node; how far each gets is said all the same, for other programs on the machine can use it.
 */
import type { HardwareDevice } from '#contract';
import type { AccelDevice } from '../probes/accel.ts';
import type { BoardDevice } from '../probes/boards.ts';
import type { NpuKernel } from '../probes/npu-kernel.ts';
import type { PciDevice } from '../probes/pci.ts';
import type { FoundFacts } from '../probes/table.ts';
import { kernelStop } from './gpu-device.ts';
import { pciBase } from './pci-facts.ts';
import { deniedNode, install, NO_PATH, type Stop } from './words.ts';

/** Which of ONNX Runtime's providers would reach it, were it in the Node package. */
const NPU_PROVIDER: Record<string, string> = { Intel: 'OpenVINO', AMD: 'VitisAI', Qualcomm: 'QNN', Rockchip: 'RKNPU', NXP: 'VSINPU', Amlogic: 'VSINPU' };

type Standing = Pick<HardwareDevice, 'state'> & Stop;

export function npuOnBus(pci: PciDevice, facts: FoundFacts): HardwareDevice {
  const accel = (facts.accel ?? []).find((candidate) => candidate.address === pci.address);
  const board = (facts.boards ?? []).find((candidate) => candidate.vendor === pci.vendor);
  const kernel = (facts.npuKernel ?? []).find((candidate) => candidate.id === `${pci.vendorId}:${pci.deviceId}`);
  const base = pciBase(pci);
  const name = pci.name ? base.name : `${pci.vendor} NPU`;
  const standing = onBus(pci, kernel, facts) ??
    behindNode(accel) ??
    onBoard(board) ?? { state: 'driver ok' as const, stoppedBy: NO_PATH(name, providerFor(pci.vendor)) };
  return { ...base, providers: [], ...honest(standing), noPath: true, facts: [...base.facts, ...accelFacts(accel), ...boardFacts(board)] };
}

export function npuFromAccel(accel: AccelDevice): HardwareDevice {
  const name = accel.compatible ? `Accelerator ${accel.compatible}` : `Accelerator ${accel.node}`;
  return {
    kind: 'npu',
    name,
    id: accel.address ?? accel.node,
    providers: [],
    ...honest(behindNode(accel) ?? { state: 'driver ok', stoppedBy: NO_PATH('The accelerator', 'matching') }),
    noPath: true,
    ...(accel.driver && { driver: accel.driver }),
    facts: accelFacts(accel),
  };
}

export function boardDevice(board: BoardDevice): HardwareDevice {
  const jetson = board.vendor === 'NVIDIA' && board.kind === 'gpu';
  const noPath = jetson
    ? 'ONNX Runtime for Node has no CUDA provider for Linux on arm64: no runtime path from here'
    : NO_PATH(board.name, providerFor(board.vendor));
  const standing = onBoard(board) ?? { state: board.node ? ('driver ok' as const) : ('present' as const), stoppedBy: noPath };
  const id = board.id ?? board.node;
  return {
    kind: board.kind,
    name: board.name,
    vendor: board.vendor,
    providers: [],
    ...honest(standing),
    noPath: true,
    ...(board.driver && { driver: board.driver }),
    ...(id && { id }),
    facts: [{ name: 'recognised by', value: board.source, source: board.source.split(':')[0] ?? '' }, ...boardFacts(board)],
  };
}

function providerFor(vendor: string): string {
  return NPU_PROVIDER[vendor] ?? 'matching';
}

/** The chain ends here for Node whatever is mended: said with every remedy, so that nobody mends for nothing. */
function honest({ remedy, ...standing }: Standing): Standing {
  if (remedy === undefined) return standing;
  return { ...standing, remedy: { ...remedy, text: `${remedy.text} Other programs can use it then; ONNX Runtime for Node does not reach it.` } };
}

function onBus(pci: PciDevice, kernel: NpuKernel | undefined, facts: FoundFacts): Standing | undefined {
  if (pci.driver !== undefined || pci.lost) {
    const stop = kernelStop(pci, facts);
    return stop && { state: 'present', ...stop };
  }
  return { state: 'present', ...unbound(pci, kernel, facts) };
}

function unbound(pci: PciDevice, kernel: NpuKernel | undefined, { system }: FoundFacts): Stop {
  if (kernel && !kernel.kernelOldEnough && !kernel.loaded) {
    return {
      stoppedBy: `no kernel driver is bound to it: ${kernel.module} came with Linux ${kernel.since}, and ${system?.kernel ?? 'an older one'} runs`,
      remedy: { text: `Start a kernel from ${kernel.since} on, or install the driver of its vendor.` },
    };
  }
  if (kernel?.firmwareMissing) {
    const packages = { debian: 'firmware-misc-nonfree', ubuntu: 'linux-firmware', fedora: 'linux-firmware', arch: 'linux-firmware' };
    return {
      stoppedBy: `no kernel driver is bound to it: its firmware ${kernel.firmwareMissing} is missing`,
      remedy: install(`Install the firmware and start the computer anew.`, system?.distro, packages),
    };
  }
  if (kernel && !kernel.loaded)
    return {
      stoppedBy: `no kernel driver is bound to it: the module ${kernel.module} is not loaded`,
      remedy: { text: `Load it.`, command: `sudo modprobe ${kernel.module}` },
    };
  if (kernel) {
    return {
      stoppedBy: `the module ${kernel.module} is loaded but did not take it`,
      remedy: { text: 'The kernel says why.', command: `sudo dmesg | grep -i ${kernel.module}` },
    };
  }
  const vendors: Record<string, string> = { 'Google Coral': 'gasket-dkms libedgetpu1-std', Hailo: 'hailort-pcie-driver' };
  const packages = vendors[pci.vendor];
  return {
    stoppedBy: 'no kernel driver is bound to it',
    remedy: {
      text: `Install the driver of its vendor${packages ? ", from the vendor's own package source" : ', or a newer kernel that has it'}.`,
      ...(packages && { command: `sudo apt-get install ${packages}` }),
    },
  };
}

function behindNode(accel: AccelDevice | undefined): Standing | undefined {
  if (accel === undefined) return undefined;
  const path = `/dev/accel/${accel.node}`;
  if (accel.access === 'denied') return { state: 'present', ...deniedNode(path, accel.owner, 'render') };
  if (accel.access === 'absent')
    return {
      state: 'present',
      stoppedBy: `its device node ${path} is missing`,
      remedy: { text: `In a container: start it with --device ${path}.` },
    };
  if (accel.library && !accel.library.found) {
    return {
      state: 'driver ok',
      stoppedBy: `${accel.library.title} (${accel.library.name}) is missing`,
      remedy: { text: `Install the ${accel.library.title.replace(/^the /, '')} of its vendor.` },
    };
  }
  return undefined;
}

function onBoard(board: BoardDevice | undefined): Standing | undefined {
  if (board === undefined) return undefined;
  if (board.access === 'denied') {
    return { state: 'present', ...deniedNode(board.node ?? 'it', board.owner, usualGroup(board)) };
  }
  const { library } = board;
  if (library && library.path === undefined && board.node !== undefined && board.kind === 'npu') {
    return {
      state: 'driver ok',
      stoppedBy: `${library.title} (${library.name}) is missing`,
      remedy: { text: `Install ${library.title}.` },
    };
  }
  // HailoRT refuses a driver of another version.
  if (board.vendor === 'Hailo' && board.driver && library?.version && board.driver !== library.version) {
    return {
      state: 'driver ok',
      stoppedBy: `its driver (${board.driver}) and HailoRT (${library.version}) differ in version`,
      remedy: { text: `Install both in one version.` },
    };
  }
  return undefined;
}

function usualGroup(board: BoardDevice): string {
  if (board.vendor === 'Google Coral') return board.node?.startsWith('/dev/bus/usb') ? 'plugdev' : 'apex';
  return board.node?.startsWith('/dev/dri') ? 'render' : board.node?.startsWith('/dev/bus/usb') ? 'plugdev' : 'video,render';
}

function accelFacts(accel: AccelDevice | undefined): HardwareDevice['facts'] {
  if (accel === undefined) return [];
  return [
    { name: 'device node', value: `/dev/accel/${accel.node} (${accel.access})`, source: '/sys/class/accel' },
    ...(accel.driver ? [{ name: 'driver', value: accel.driver, source: `/sys/class/accel/${accel.node}/device` }] : []),
    ...(accel.firmware ? [{ name: 'firmware', value: accel.firmware, source: `/sys/class/accel/${accel.node}/device/fw_version` }] : []),
    ...(accel.library ? [{ name: accel.library.title, value: accel.library.found ? 'installed' : 'missing', source: accel.library.name }] : []),
  ];
}

function boardFacts(board: BoardDevice | undefined): HardwareDevice['facts'] {
  if (board === undefined) return [];
  const { library } = board;
  return [
    ...(board.node ? [{ name: 'device node', value: `${board.node} (${board.access ?? 'absent'})`, source: board.node }] : []),
    ...(library ? [{ name: library.title, value: library.path ? `${library.version ?? 'installed'}` : 'missing', source: library.path ?? library.name }] : []),
    ...(board.facts ?? []).map((fact) => ({ ...fact, source: board.source })),
  ];
}
