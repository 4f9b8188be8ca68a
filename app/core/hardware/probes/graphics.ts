/** Graphics and neural processors on Windows and macOS, as the system itself lists them. */
import type { Machine } from '../machine.ts';
import type { ListedDevice } from './listed.ts';
import { macDevices } from './macos.ts';
import { windowsDevices } from './windows.ts';

export interface GraphicsFacts {
  devices: ListedDevice[];
  /** Windows: DirectML.dll lies beside ONNX Runtime. */
  directml: boolean;
}

export async function probeGraphics(machine: Machine): Promise<GraphicsFacts> {
  const { platform, ortDir } = await machine.facts();
  if (platform === 'darwin') return { devices: await macDevices(machine), directml: false };
  if (platform !== 'win32') return { devices: [], directml: false };
  return { devices: await windowsDevices(machine), directml: (await machine.access(`${ortDir}\\DirectML.dll`)) === 'ok' };
}
