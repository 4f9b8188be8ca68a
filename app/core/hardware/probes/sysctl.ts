/** macOS's own table of hardware facts. */
import type { Machine } from '../machine.ts';

/** `hw` and the processor's part only: all of `sysctl -a` would also hold the host's name and addresses. */
export async function readSysctl(machine: Machine): Promise<Map<string, string>> {
  const result = (await machine.run('/usr/sbin/sysctl', ['hw', 'machdep.cpu', 'kern.hv_vmm_present'])) ?? (await machine.run('/usr/sbin/sysctl', ['-a']));
  const said = result ? [result] : (await machine.said('sysctl')).map((one) => one.result);
  const table = new Map<string, string>();
  for (const line of said.flatMap((one) => one.stdout.split('\n'))) {
    const at = line.indexOf(': ');
    if (at > 0) table.set(line.slice(0, at), line.slice(at + 2).trim());
  }
  return table;
}
