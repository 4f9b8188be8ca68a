/** The system's own list of PCI devices, where there is one: vendors at the line's start, their devices below with one tab. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const FILES = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'];

/** Read line by line and only as far as needed: the list has 1.5 MB. */
export async function pciIdsName(vendorId: string, deviceId: string): Promise<string | undefined> {
  for (const file of FILES) {
    const stream = createReadStream(file);
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    try {
      let inside = false;
      for await (const line of lines) {
        if (line.startsWith(`${vendorId}  `)) inside = true;
        else if (inside && line.startsWith(`\t${deviceId}  `)) return line.slice(deviceId.length + 3).trim();
        else if (inside && /^[0-9a-f]{4} {2}/.test(line)) return undefined;
      }
    } catch {
      // Not there: the next one may be.
    } finally {
      lines.close();
      stream.destroy();
    }
  }
  return undefined;
}
