/** A recorded machine, answering as the real one did. What was not recorded is absent. */
import { MAX_LINKS } from './limits.ts';
import type { Machine, MachineFacts } from './machine.ts';
import type { Recording } from './recording.ts';

/** Every answer is looked up in maps: `files['__proto__']` is a path like any other, and no path reaches a disk. */
export function replayMachine(recording: Recording): Machine {
  const links = new Map(Object.entries(recording.links));
  const real = resolver(links);
  const byPath = <T>(map: Record<string, T>) => new Map(Object.entries(map).map(([path, value]) => [real(path), value]));
  const files = byPath(recording.files);
  const bytes = byPath(recording.bytes);
  const access = byPath(recording.access);
  const owners = byPath(recording.owners);
  const needed = byPath(recording.needed);
  const answers = new Map(Object.entries(recording.answers));
  const commands = new Map(Object.entries(recording.commands).map(([line, result]) => [commandKey(line), result]));
  const env = new Map(Object.entries(recording.env));
  const children = childrenOf([...files.keys(), ...bytes.keys(), ...access.keys(), ...needed.keys(), ...links.keys(), ...[...links.keys()].map(real)]);
  for (const [dir, names] of Object.entries(recording.lists)) {
    const into = children.get(real(dir)) ?? new Set();
    for (const name of names) into.add(name);
    children.set(real(dir), into);
  }
  return {
    facts: async () => recordedFacts(recording.facts),
    env: (name) => env.get(name),
    readText: async (path) => files.get(real(path)),
    readHex: async (path, count) => {
      const hex = bytes.get(real(path));
      return hex !== undefined && hex.length >= count * 2 ? hex.slice(0, count * 2) : undefined;
    },
    list: async (dir) => [...(children.get(real(dir)) ?? [])].sort(),
    link: async (path) => links.get(path) ?? links.get(joinReal(real, path)),
    access: async (path) => access.get(real(path)) ?? (files.has(real(path)) || needed.has(real(path)) ? 'ok' : 'absent'),
    owner: async (path) => owners.get(real(path)),
    run: async (command, args) => commands.get(commandKey([command, ...args].join(' '))),
    said: async (program) =>
      [...commands].flatMap(([line, result]) => {
        const [name, ...args] = line.split(' ');
        return name === program ? [{ args, result }] : [];
      }),
    needed: async (path) => needed.get(real(path)),
    ask: async (question) => answers.get(question),
    driver: async (probe) => answers.get(`driver:${probe}`),
    load: async (names) => {
      const found = names.map((name) => answers.get(`load:${name}`)).filter((answer) => answer !== undefined);
      return found.length > 0 ? { libraries: found } : undefined;
    },
    pciName: async (vendorId, deviceId) => {
      const name = answers.get(`pci:${vendorId}:${deviceId}`);
      return typeof name === 'string' ? name : undefined;
    },
  };
}

function recordedFacts({ cpuFlags, hypervisor, ...rest }: Recording['facts']): MachineFacts {
  return { ...rest, ...(cpuFlags && { cpuFlags }), ...(hypervisor !== undefined && { hypervisor }) };
}

/** `/usr/bin/nvidia-smi -L` and `nvidia-smi  -L` are the same question: who composes a recording writes down what was typed. */
function commandKey(line: string): string {
  const [program = '', ...args] = line.trim().split(/\s+/);
  return [program.slice(program.lastIndexOf('/') + 1), ...args].join(' ');
}

/** Folder -> names in it, for every path and every folder above one. */
function childrenOf(paths: readonly string[]): Map<string, Set<string>> {
  const children = new Map<string, Set<string>>();
  for (const path of paths) {
    for (let at = path.lastIndexOf('/'), end = path.length; at >= 0; end = at, at = path.lastIndexOf('/', at - 1)) {
      const dir = at === 0 ? '/' : path.slice(0, at);
      const names = children.get(dir) ?? new Set();
      const name = path.slice(at + 1, end);
      if (names.has(name)) break;
      names.add(name);
      children.set(dir, names);
      if (at === 0) break;
    }
  }
  return children;
}

/**
 * Follows recorded links in every part of a path, as a kernel would: /sys/bus/pci/devices/X is a link into /sys/devices in a
 * captured tree. A link whose target is not recorded (a driver's folder) still resolves to the target's path.
 */
function resolver(links: ReadonlyMap<string, string>): (path: string) => string {
  const known = new Map<string, string>();
  return (path) => {
    const before = known.get(path);
    if (before !== undefined) return before;
    let followed = 0;
    let done: string[] = [];
    const left = path.split('/').filter(Boolean).reverse();
    while (left.length > 0) {
      const part = left.pop() ?? '';
      if (part === '.') continue;
      if (part === '..') {
        done.pop();
        continue;
      }
      done.push(part);
      const target = links.get(`/${done.join('/')}`);
      if (target === undefined) continue;
      if (++followed > MAX_LINKS) break;
      done = target.startsWith('/') ? [] : done.slice(0, -1);
      left.push(...target.split('/').filter(Boolean).reverse());
    }
    const resolved = path.startsWith('/') ? `/${done.join('/')}` : path;
    known.set(path, resolved);
    return resolved;
  };
}

/** The path with its folder resolved and its last part as it is: where a link itself would be recorded. */
function joinReal(real: (path: string) => string, path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? path : `${real(path.slice(0, at))}${path.slice(at)}`;
}
