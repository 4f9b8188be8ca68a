/** Why a neural processor on the bus has no driver: the kernel's module, its age, and the firmware the driver loads first. */
import type { Machine } from '../machine.ts';

export interface NpuKernel {
  /** PCI `vendor:device`. */
  id: string;
  /** The kernel's module for it, whether it is loaded, and since which kernel it is part of Linux. */
  module: string;
  loaded: boolean;
  since: string;
  kernelOldEnough: boolean;
  /** Firmware that must be there, and isn't. */
  firmwareMissing?: string;
}

interface Rule {
  ids: readonly string[];
  module: string;
  /** Kernel version: git history of drivers/accel. */
  since: readonly [number, number];
  /** Files below /lib/firmware, any of which will do; `%` stands for the revision. */
  firmware: readonly string[];
}

const RULES: readonly Rule[] = [
  { ids: ['8086:7d1d', '8086:ad1d'], module: 'intel_vpu', since: [6, 3], firmware: ['intel/vpu/vpu_37xx_v1.bin', 'intel/vpu/vpu_37xx_v0.0.bin'] },
  { ids: ['8086:643e'], module: 'intel_vpu', since: [6, 8], firmware: ['intel/vpu/vpu_40xx_v1.bin', 'intel/vpu/vpu_40xx_v0.0.bin'] },
  { ids: ['8086:b03e', '8086:fd3e'], module: 'intel_vpu', since: [6, 13], firmware: ['intel/vpu/vpu_50xx_v1.bin', 'intel/vpu/vpu_50xx_v0.0.bin'] },
  { ids: ['1022:1502'], module: 'amdxdna', since: [6, 14], firmware: ['amdnpu/1502_%/npu.sbin', 'amdnpu/1502_%/npu_7.sbin'] },
  { ids: ['1022:17f0'], module: 'amdxdna', since: [6, 14], firmware: ['amdnpu/17f0_%/npu.sbin', 'amdnpu/17f0_%/npu_7.sbin'] },
  { ids: ['1da3:1000', '1da3:1010', '1da3:1020'], module: 'habanalabs', since: [5, 1], firmware: [] },
  { ids: ['17cb:a100', '17cb:a080'], module: 'qaic', since: [6, 4], firmware: [] },
];

/** Where the kernel looks first to last, and how distributions pack it. */
const FOLDERS = ['/lib/firmware/updates', '/lib/firmware', '/usr/lib/firmware'];
const PACKED = ['', '.zst', '.xz'];

export async function npuKernel(machine: Machine, vendorId: string, deviceId: string, revision: string | undefined): Promise<NpuKernel | undefined> {
  const id = `${vendorId}:${deviceId}`;
  const rule = RULES.find((candidate) => candidate.ids.includes(id));
  if (rule === undefined) return undefined;
  const [major = 0, minor = 0] = (await machine.facts()).release.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const [sinceMajor, sinceMinor] = rule.since;
  const files = rule.firmware.map((name) => name.replace('%', revision ?? '00'));
  const places = FOLDERS.flatMap((dir) => files.flatMap((name) => PACKED.map((end) => `${dir}/${name}${end}`)));
  let there = files.length === 0;
  for (const place of places) there ||= (await machine.access(place)) === 'ok';
  return {
    id,
    module: rule.module,
    loaded: (await machine.list(`/sys/module/${rule.module}`)).length > 0,
    since: `${sinceMajor}.${sinceMinor}`,
    kernelOldEnough: major > sinceMajor || (major === sinceMajor && minor >= sinceMinor),
    ...(!there && files[0] && { firmwareMissing: files[0] }),
  };
}
