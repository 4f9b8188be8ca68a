/**
 * Windows: graphics adapters by DXGI, neural processors by DXCore, and what is broken by the device manager's own table. Where
 * the addon is not there to ask, systeminformation and the device manager must do.
 */
import type { Machine } from '../machine.ts';
import { type DxcoreAnswer, dxcoreAnswer, type DxgiAnswer, dxgiAnswer } from '../native-answers.ts';
import { askedControllers, type ListedDevice, parseJsonList } from './listed.ts';
import { VENDORS } from './pci-names.ts';

/** Classes of the device manager: ComputeAccelerator holds neural processors, Display the graphics. */
const PNP_QUERY =
  "Get-CimInstance Win32_PnPEntity -Filter \"PNPClass='ComputeAccelerator' OR PNPClass='Display'\" | Select-Object Name,Manufacturer,PNPClass,Status,ConfigManagerErrorCode,DeviceID | ConvertTo-Json -Compress";
const NPU_QUERY =
  'Get-CimInstance Win32_PnPEntity -Filter "PNPClass=\'ComputeAccelerator\'" | Select-Object Name,Manufacturer,Status | ConvertTo-Json -Compress';
/** What remote sessions bring of their own. */
const REMOTE = /remote display|indirect display|idd\b/i;
/** Drivers that Windows falls back to where the real one is missing. */
export const BASIC_DISPLAY = /basic (?:display|render)/i;

/** What the device manager's codes mean (Microsoft's list of error codes in Device Manager). */
const PROBLEMS: Record<number, string> = {
  1: 'it is not set up correctly',
  10: 'it cannot start',
  12: 'it lacks resources that it needs',
  14: 'the computer has to be started anew first',
  18: 'its driver has to be installed again',
  22: 'it is switched off in the device manager',
  28: 'its driver is not installed',
  31: 'its driver could not be loaded',
  39: 'its driver is damaged or missing',
  43: 'it reported a failure and Windows stopped it',
  45: 'it is not connected at present',
  48: 'its driver is blocked by Windows',
  52: "its driver's signature cannot be verified",
};

/** Those that another driver would not mend. */
const MENDS: Record<number, string> = {
  14: 'Start the computer anew.',
  22: 'Switch it on in the device manager.',
  45: 'Connect it.',
  48: 'Windows blocks this version of its driver: install another.',
};

interface PnpEntry {
  name: string;
  maker?: string;
  npu: boolean;
  code: number;
  /** `vendor:device` in hex. */
  pciId?: string;
}

export async function windowsDevices(machine: Machine): Promise<ListedDevice[]> {
  const dxgi = dxgiAnswer(await machine.driver('dxgi'));
  const dxcore = dxcoreAnswer(await machine.driver('dxcore'));
  const graphics = dxgi?.adapters ? fromDxgi(dxgi) : (await askedControllers(machine)).filter((device) => !REMOTE.test(device.name));
  const neural = fromDxcore(dxcore, graphics);
  const pnp = await deviceManager(machine);
  // DXCore lists what works; the device manager also what doesn't.
  for (const entry of pnp) {
    const devices = entry.npu ? neural : graphics;
    const known = devices.find((device) => (entry.pciId !== undefined && device.pciId === entry.pciId) || device.name === entry.name);
    const problem = entry.code === 0 ? undefined : `Windows says of it: ${PROBLEMS[entry.code] ?? 'it does not work'} (code ${entry.code})`;
    if (known) {
      if (problem) Object.assign(known, { problem, ...(MENDS[entry.code] && { mend: MENDS[entry.code] }) });
      if (entry.maker) known.vendor ??= entry.maker;
    } else if ((entry.npu || problem) && !REMOTE.test(entry.name)) {
      devices.push({
        kind: entry.npu ? 'npu' : 'gpu',
        name: entry.name,
        source: 'Win32_PnPEntity',
        ...(entry.maker && { vendor: entry.maker }),
        ...(entry.pciId && { pciId: entry.pciId }),
        ...(problem && { problem }),
        ...(MENDS[entry.code] && { mend: MENDS[entry.code] }),
      });
    }
  }
  return [...withoutBasic(graphics), ...neural];
}

/** The basic adapter is worth a word only where nothing else draws. */
function withoutBasic(devices: readonly ListedDevice[]): ListedDevice[] {
  const real = devices.filter((device) => !BASIC_DISPLAY.test(device.name));
  return real.length > 0 ? real : [...devices];
}

function fromDxgi(answer: DxgiAnswer): ListedDevice[] {
  const devices: ListedDevice[] = [];
  for (const adapter of answer.adapters ?? []) {
    if (adapter.software || adapter.remote || REMOTE.test(adapter.name) || /basic render/i.test(adapter.name)) continue;
    // A hybrid laptop may list one adapter twice, once per output.
    if (devices.some((device) => device.facts?.some((fact) => fact.value === adapter.luid))) continue;
    devices.push({
      kind: 'gpu',
      name: adapter.name || 'Graphics adapter',
      source: 'DXGI',
      ...(adapter.index !== undefined && { adapterIndex: adapter.index }),
      ...maker(adapter),
      ...(adapter.driver && { driver: adapter.driver }),
      ...memory(adapter),
    });
  }
  return devices;
}

/** Memory of its own, or where it has hardly any, what it may borrow. */
function memory(adapter: {
  dedicatedBytes?: number | undefined;
  sharedBytes?: number | undefined;
  luid?: string | undefined;
}): Pick<ListedDevice, 'memoryBytes' | 'facts'> {
  const facts = [
    ...(adapter.luid ? [{ name: 'LUID', value: adapter.luid }] : []),
    ...(adapter.sharedBytes ? [{ name: 'memory shared with the system', value: `${Math.round(adapter.sharedBytes / 1e6)} MB` }] : []),
  ];
  return { ...(adapter.dedicatedBytes && { memoryBytes: adapter.dedicatedBytes }), facts };
}

function fromDxcore(answer: DxcoreAnswer | undefined, graphics: readonly ListedDevice[]): ListedDevice[] {
  const devices: ListedDevice[] = [];
  for (const adapter of answer?.adapters ?? []) {
    // Neural by its hardware type; on older Windows, which has no such type, by computing without drawing.
    const neural = adapter.npu || (adapter.hardware === true && adapter.graphics === false && (adapter.genericMl === true || adapter.compute === true));
    if (!neural || devices.some((device) => device.facts?.some((fact) => fact.value === adapter.luid))) continue;
    const id = pciId(adapter);
    if (id !== undefined && graphics.some((device) => device.pciId === id)) continue;
    devices.push({
      kind: 'npu',
      name: adapter.name || 'Neural processor',
      source: 'DXCore',
      ...maker(adapter),
      ...(adapter.driver && { driver: adapter.driver }),
      ...memory(adapter),
    });
  }
  return devices;
}

/** Four letters of ACPI instead of a PCI vendor. */
const QCOM = 0x4d4f4351;

function maker(adapter: { vendorId?: number | undefined; deviceId?: number | undefined }): { pciId?: string; vendor?: string } {
  const id = pciId(adapter);
  const vendor = adapter.vendorId === QCOM ? 'Qualcomm' : id && VENDORS[id.slice(0, 4)];
  return { ...(id && { pciId: id }), ...(vendor && { vendor }) };
}

function pciId(adapter: { vendorId?: number | undefined; deviceId?: number | undefined }): string | undefined {
  const hex = (number: number) => (number >>> 0).toString(16).padStart(4, '0');
  // Qualcomm's parts are no PCI devices: theirs are four letters of ACPI, not ids.
  if (!adapter.vendorId || adapter.deviceId === undefined || adapter.vendorId > 0xffff) return undefined;
  return `${hex(adapter.vendorId)}:${hex(adapter.deviceId)}`;
}

async function deviceManager(machine: Machine): Promise<PnpEntry[]> {
  for (const query of [PNP_QUERY, NPU_QUERY]) {
    const result = await machine.run('powershell', ['-NoProfile', '-NonInteractive', '-Command', query]);
    if (result?.code === 0) return parseJsonList(result.stdout).flatMap((entry) => pnpEntry(entry, query === NPU_QUERY));
  }
  return pnputil(machine);
}

function pnpEntry(entry: Record<string, unknown>, npuOnly: boolean): PnpEntry[] {
  const text = (field: string) => (typeof entry[field] === 'string' && entry[field] !== '' ? entry[field] : undefined);
  const name = text('Name');
  if (name === undefined) return [];
  const maker = text('Manufacturer');
  const [, vendor, device] = /VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})/i.exec(text('DeviceID') ?? '') ?? [];
  const code = entry['ConfigManagerErrorCode'];
  return [
    {
      name,
      npu: npuOnly || text('PNPClass') === 'ComputeAccelerator',
      code: typeof code === 'number' && Number.isInteger(code) ? code : 0,
      ...(maker && { maker }),
      ...(vendor && device && { pciId: `${vendor}:${device}`.toLowerCase() }),
    },
  ];
}

/** Where PowerShell is locked down: blocks of `Label:  value`, one device each. Labels are translated, the order is not. */
async function pnputil(machine: Machine): Promise<PnpEntry[]> {
  const result = await machine.run('pnputil', ['/enum-devices', '/class', 'ComputeAccelerator']);
  return (result?.code === 0 ? result.stdout : '').split(/\r?\n\r?\n/).flatMap((block) => {
    const values = block.split(/\r?\n/).flatMap((line) => /^[^:]+:\s+(\S.*)$/.exec(line)?.[1] ?? []);
    const [instance, name] = values;
    const [, vendor, device] = /VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})/i.exec(instance ?? '') ?? [];
    if (name === undefined || !/^[A-Z]+\\/i.test(instance ?? '')) return [];
    return [{ name, npu: true, code: 0, ...(values[3] && { maker: values[3] }), ...(vendor && device && { pciId: `${vendor}:${device}`.toLowerCase() }) }];
  });
}
