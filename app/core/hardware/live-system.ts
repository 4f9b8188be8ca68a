/** Questions to the systeminformation package, on the systems where files do not tell. */
import type { SystemQuestion } from './machine.ts';

/** What is kept of each answer. The rest is nobody's business: serial numbers, host names, unique ids. */
const KEPT: Record<SystemQuestion, readonly string[]> = {
  graphics: ['controllers'],
  system: ['virtual', 'virtualHost', 'manufacturer', 'model'],
  osInfo: ['distro', 'release', 'build', 'arch'],
  cpu: ['brand', 'manufacturer', 'physicalCores', 'cores', 'performanceCores', 'efficiencyCores', 'processors', 'cache'],
  cpuFlags: [],
};

/** systeminformation is only loaded where it is asked: it costs memory and start-up time. */
export async function askSystem(question: SystemQuestion): Promise<unknown> {
  try {
    const si = await import('systeminformation');
    const answer: unknown = await si.default[question]();
    if (typeof answer !== 'object' || answer === null) return answer;
    return Object.fromEntries(Object.entries(answer).filter(([name]) => KEPT[question].includes(name)));
  } catch {
    return undefined;
  }
}
