/** A graphics or neural processor as the operating system lists it, and the common ways to read such lists. */
import type { Machine } from '../machine.ts';

export interface ListedDevice {
  kind: 'gpu' | 'npu';
  name: string;
  vendor?: string;
  driver?: string;
  memoryBytes?: number;
  /** PCI `vendor:device` in hex. */
  pciId?: string;
  /** Its number for DirectML (DXGI's order). */
  adapterIndex?: number;
  /** Why the system does not use it, in words. */
  problem?: string;
  /** What mends that, where it is not its driver. */
  mend?: string;
  facts?: { name: string; value: string }[];
  source: string;
}

/** What `systeminformation` says of graphics controllers; memory in MB. */
export async function askedControllers(machine: Machine): Promise<ListedDevice[]> {
  const answer = (await machine.ask('graphics')) as { controllers?: unknown } | undefined;
  const controllers = Array.isArray(answer?.controllers) ? (answer.controllers as unknown[]) : [];
  return controllers.flatMap((entry): ListedDevice[] => {
    const c = (entry ?? {}) as { model?: unknown; vendor?: unknown; vram?: unknown; driverVersion?: unknown };
    const name = typeof c.model === 'string' ? c.model.trim() : '';
    if (!name) return [];
    const vram = typeof c.vram === 'number' && Number.isSafeInteger(c.vram) && c.vram > 0 && c.vram < 2 ** 32 ? c.vram * 1024 * 1024 : undefined;
    return [
      {
        kind: 'gpu',
        name,
        source: 'systeminformation',
        ...(typeof c.vendor === 'string' && c.vendor && { vendor: c.vendor }),
        ...(typeof c.driverVersion === 'string' && c.driverVersion && { driver: c.driverVersion }),
        ...(vram && { memoryBytes: vram }),
      },
    ];
  });
}

/** ConvertTo-Json and system_profiler: one object bare, several as a list, none as nothing. */
export function parseJsonList(text: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? value : [value]).filter((v): v is Record<string, unknown> => typeof v === 'object' && v !== null);
  } catch {
    return [];
  }
}
