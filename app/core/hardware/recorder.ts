/** Passes every question on to a machine, and writes question and answer down. */
import { MAX_RECORDED_KEY_CHARS } from './limits.ts';
import type { EnvName, Machine, MachineFacts } from './machine.ts';
import type { Recording } from './recording.ts';

/** What one or more probes asked and were told; the parts of a recording but for its head and the proofs. */
export type RecordedParts = Omit<Recording, 'format' | 'note' | 'facts' | 'proofs'>;

export function noParts(): RecordedParts {
  return { env: {}, files: {}, bytes: {}, lists: {}, links: {}, access: {}, owners: {}, commands: {}, needed: {}, answers: {} };
}

/** Variables of which only matters that they are set: what they hold is an address, or a name somebody gave. */
const ONLY_THERE: ReadonlySet<EnvName> = new Set(['KUBERNETES_SERVICE_HOST', 'WSL_DISTRO_NAME']);

export function recordingMachine(machine: Machine): { machine: Machine; parts: RecordedParts } {
  const parts = noParts();
  const keep = <T>(into: Record<string, T>, key: string, value: T | undefined) => {
    // A folder named in a variable may hold steps upwards, which no recording may: its answer is left out, not the recording lost.
    if (value !== undefined && key.length <= MAX_RECORDED_KEY_CHARS && !key.split('/').includes('..')) into[key] = value;
    return value;
  };
  return {
    parts,
    machine: {
      facts: () => machine.facts(),
      env: (name) => {
        const value = machine.env(name);
        keep(parts.env, name, value !== undefined && ONLY_THERE.has(name) ? 'set' : value);
        return value;
      },
      readText: async (path) => keep(parts.files, path, await machine.readText(path)),
      readHex: async (path, count) => keep(parts.bytes, path, await machine.readHex(path, count)),
      list: async (dir) => {
        const names = await machine.list(dir);
        if (names.length > 0) keep(parts.lists, dir, names);
        return names;
      },
      link: async (path) => keep(parts.links, path, await machine.link(path)),
      access: async (path) => {
        const found = await machine.access(path);
        if (found !== 'absent') keep(parts.access, path, found);
        return found;
      },
      owner: async (path) => keep(parts.owners, path, await machine.owner(path)),
      run: async (command, args) => keep(parts.commands, [command, ...args].join(' '), await machine.run(command, args)),
      said: (program) => machine.said(program),
      needed: async (path) => keep(parts.needed, path, await machine.needed(path)),
      ask: async (question) => keep<unknown>(parts.answers, question, await machine.ask(question)),
      driver: async (probe) => keep<unknown>(parts.answers, `driver:${probe}`, await machine.driver(probe)),
      load: async (names) => {
        const answer = await machine.load(names);
        for (const entry of listOf(answer)) keep<unknown>(parts.answers, `load:${entry.name}`, entry);
        return answer;
      },
      pciName: async (vendorId, deviceId) => {
        const name = await machine.pciName(vendorId, deviceId);
        keep<unknown>(parts.answers, `pci:${vendorId}:${deviceId}`, name);
        return name;
      },
    },
  };
}

/** The entries of the addon's answer about libraries. */
function listOf(answer: unknown): { name: string }[] {
  const { libraries } = (answer ?? {}) as { libraries?: { name: string }[] };
  return libraries ?? [];
}

export function mergeParts(into: RecordedParts, from: RecordedParts): void {
  for (const section of Object.keys(into) as (keyof RecordedParts)[]) Object.assign(into[section], from[section]);
}

/** Whose machine this is; none of it may get into a recording. */
export interface Person {
  home: string;
  user: string;
  host: string;
}

/** Anything of these patterns says which machine or whose it is, and nothing about what it can run. */
const PATTERNS: readonly [RegExp, string][] = [
  [/((?:\/home|\/Users|\\Users)[/\\])[^/\\:"'\s]+/g, '$1user'],
  [/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi, '00:00:00:00:00:00'],
  // Kubernetes writes a pod's right behind a word, and with underscores too.
  [/[0-9a-f]{8}(?<dash>[-_])(?:[0-9a-f]{4}\k<dash>){3}[0-9a-f]{12}/gi, '00000000$<dash>0000$<dash>0000$<dash>0000$<dash>000000000000'],
  [/\b[0-9a-f]{32,64}\b/g, 'id'],
  [/^([ \t]*Serial(?: Number)?[ \t]*:[ \t]*)\S.*$/gim, '$1-'],
  [/("[^"\n]{0,80}(?:serial|uuid)[^"\n]{0,80}"[ \t]*:[ \t]*)"[^"\n]*"/gi, '$1"-"'],
];

/** Paths and values alike, so that what belongs together still does. */
export function withoutPerson<T>(value: T, person: Person): T {
  const clean = (text: string): string => {
    if (text === person.user) return 'user';
    let out = text;
    if (person.home.length > 1) out = out.replaceAll(person.home, '/home/user');
    // Short names are also words; whoever calls a machine `gpu` gives nothing away.
    if (person.host.length > 3) out = out.replaceAll(person.host, 'recorded');
    if (person.user.length > 2) out = out.replaceAll(`/${person.user}/`, '/user/');
    for (const [pattern, instead] of PATTERNS) out = out.replace(pattern, instead);
    return out;
  };
  const walk = (item: unknown): unknown => {
    if (typeof item === 'string') return clean(item);
    if (Array.isArray(item)) return item.map(walk);
    if (typeof item === 'object' && item !== null) return Object.fromEntries(Object.entries(item).map(([name, inner]) => [clean(name), walk(inner)]));
    return item;
  };
  return walk(value) as T;
}

/** A host's name says whose machine it is and nothing about what it can run: recordings are passed on. */
export function recordedHead(facts: MachineFacts): Pick<Recording, 'format' | 'facts'> {
  return { format: 'edgewright-machine/1', facts: { ...facts, hostname: 'recorded' } };
}
