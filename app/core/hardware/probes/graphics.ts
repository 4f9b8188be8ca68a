/** Graphics and neural processors on Windows and macOS, as the system itself lists them. */
import type { Machine } from '../machine.ts';

export interface ListedDevice {
  kind: 'gpu' | 'npu';
  name: string;
  vendor?: string;
  driver?: string;
  memoryBytes?: number;
  source: string;
}

export interface GraphicsFacts {
  devices: ListedDevice[];
  /** Windows: DirectML.dll lies beside ONNX Runtime. */
  directml: boolean;
}

/** Asked of Windows in its own words: PnP class ComputeAccelerator holds the neural processors. */
const NPU_QUERY =
  'Get-CimInstance Win32_PnPEntity -Filter "PNPClass=\'ComputeAccelerator\'" | Select-Object Name,Manufacturer,Status | ConvertTo-Json -Compress';
/** Drivers Windows falls back to where the real one is missing, and remote sessions' own. */
const NO_ADAPTER = /basic (display|render)|remote display/i;

export async function probeGraphics(machine: Machine): Promise<GraphicsFacts> {
  const { platform, arch, ortDir } = await machine.facts();
  if (platform !== 'win32' && platform !== 'darwin') return { devices: [], directml: false };
  const answer = (await machine.ask('graphics')) as
    | { controllers?: { model?: string; vendor?: string; vram?: number | null; driverVersion?: string }[] }
    | undefined;
  const devices: ListedDevice[] = (answer?.controllers ?? []).flatMap((c) => {
    const name = c.model?.trim();
    if (!name || NO_ADAPTER.test(name)) return [];
    // systeminformation gives MB; on Apple chips memory is shared and it gives none.
    return [
      {
        kind: 'gpu' as const,
        name,
        source: 'systeminformation',
        ...(c.vendor && { vendor: c.vendor }),
        ...(c.driverVersion && { driver: c.driverVersion }),
        ...(c.vram && { memoryBytes: c.vram * 1024 * 1024 }),
      },
    ];
  });
  if (platform === 'darwin') {
    // Every Apple chip has a Neural Engine; macOS does not let a program ask for it by name.
    if (arch === 'arm64') devices.push({ kind: 'npu', name: 'Apple Neural Engine', vendor: 'Apple', source: 'every Apple chip has one' });
    return { devices, directml: false };
  }
  const result = await machine.run('powershell', ['-NoProfile', '-NonInteractive', '-Command', NPU_QUERY]);
  for (const entry of parseJsonList(result?.code === 0 ? result.stdout : '')) {
    if (typeof entry['Name'] === 'string')
      devices.push({
        kind: 'npu',
        name: entry['Name'],
        source: 'Win32_PnPEntity',
        ...(typeof entry['Manufacturer'] === 'string' && { vendor: entry['Manufacturer'] }),
      });
  }
  return { devices, directml: (await machine.access(`${ortDir}\\DirectML.dll`)) === 'ok' };
}

/** ConvertTo-Json writes one object bare, several as a list, none as nothing. */
function parseJsonList(text: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? value : [value]).filter((v): v is Record<string, unknown> => typeof v === 'object' && v !== null);
  } catch {
    return [];
  }
}
