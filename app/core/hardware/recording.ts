/** Recordings: every question detection put to a machine, with its answer, as one JSON document; and their replay. */
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import type { Machine, MachineFacts } from './machine.ts';

const FactsSchema = z.object({
  platform: z.string(),
  arch: z.string(),
  hostname: z.string(),
  release: z.string(),
  osName: z.string(),
  totalMemoryBytes: z.number(),
  freeMemoryBytes: z.number(),
  cpuModel: z.string(),
  cores: z.number().int(),
  usableCores: z.number(),
  cpuFlags: z.array(z.string()).optional(),
  node: z.string(),
  onnxruntime: z.string(),
  ortDir: z.string(),
});

const ProofSchema = z.union([
  z.object({ ok: z.literal(true), nodes: z.record(z.string(), z.number().int()), latencyMs: z.number() }),
  z.object({ ok: z.literal(false), reason: z.string() }),
]);

export const RecordingSchema = z.object({
  format: z.literal('edgewright-machine/1'),
  /** When and of what it was made; free text, for people. */
  note: z.string().optional(),
  facts: FactsSchema,
  env: z.record(z.string(), z.string()),
  files: z.record(z.string(), z.string()),
  /** Folders whose names do not follow from `files` and `links`. */
  lists: z.record(z.string(), z.array(z.string())),
  links: z.record(z.string(), z.string()),
  access: z.record(z.string(), z.enum(['denied', 'ok'])),
  /** Command line (joined by spaces) -> result. */
  commands: z.record(z.string(), z.object({ code: z.number().int().nullable(), stdout: z.string(), stderr: z.string() })),
  needed: z.record(z.string(), z.array(z.string())),
  answers: z.record(z.string(), z.unknown()),
  /** Proofs taken on that machine, by provider. */
  proofs: z.record(z.string(), ProofSchema),
});
export type Recording = z.infer<typeof RecordingSchema>;

/** @throws EdgewrightError `hardware.recording-wrong` (owner input) naming the field. */
export function parseRecording(value: unknown): Recording {
  const result = RecordingSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new EdgewrightError({
    code: 'hardware.recording-wrong',
    message: 'This is no recording of a machine.',
    expected: 'a document written by edgewright hardware --record',
    found: issue ? `${issue.path.join('.') || 'the document'}: ${issue.message}` : 'something else',
    owner: 'input',
  });
}

/** Passes every question on to `machine` and writes question and answer down in the recording that it fills. */
export function recordingMachine(machine: Machine, facts: MachineFacts): { machine: Machine; recording: Recording } {
  const recording: Recording = {
    format: 'edgewright-machine/1',
    facts: toRecorded(facts),
    env: {},
    files: {},
    lists: {},
    links: {},
    access: {},
    commands: {},
    needed: {},
    answers: {},
    proofs: {},
  };
  const keep = <T>(into: Record<string, T>, key: string, value: T | undefined) => {
    if (value !== undefined) into[key] = value;
    return value;
  };
  return {
    recording,
    machine: {
      facts: async () => facts,
      env: (name) => keep(recording.env, name, machine.env(name)),
      readText: async (path) => keep(recording.files, path, await machine.readText(path)),
      list: async (dir) => {
        const names = await machine.list(dir);
        if (names.length > 0) recording.lists[dir] = names;
        return names;
      },
      link: async (path) => keep(recording.links, path, await machine.link(path)),
      access: async (path) => {
        const found = await machine.access(path);
        if (found !== 'absent') recording.access[path] = found;
        return found;
      },
      run: async (command, args) => keep(recording.commands, [command, ...args].join(' '), await machine.run(command, args)),
      needed: async (path) => keep(recording.needed, path, await machine.needed(path)),
      ask: async (question) => keep<unknown>(recording.answers, question, await machine.ask(question)),
    },
  };
}

/** A machine that answers as recorded. What was not recorded is absent. */
export function replayMachine(recording: Recording): Machine {
  const paths = [...Object.keys(recording.files), ...Object.keys(recording.links), ...Object.keys(recording.access), ...Object.keys(recording.needed)];
  return {
    facts: async () => {
      const { cpuFlags, ...rest } = recording.facts;
      return { ...rest, ...(cpuFlags && { cpuFlags }) };
    },
    env: (name) => recording.env[name],
    readText: async (path) => recording.files[path],
    list: async (dir) => {
      const prefix = dir.endsWith('/') ? dir : `${dir}/`;
      const below = paths.flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length).split('/')[0] ?? ''] : []));
      return [...new Set([...(recording.lists[dir] ?? []), ...below])].sort();
    },
    link: async (path) => recording.links[path],
    access: async (path) => recording.access[path] ?? (path in recording.files || path in recording.needed ? 'ok' : 'absent'),
    run: async (command, args) => recording.commands[[command, ...args].join(' ')],
    needed: async (path) => recording.needed[path],
    ask: async (question) => recording.answers[question],
  };
}

function toRecorded(facts: MachineFacts): Recording['facts'] {
  // A host's name says whose machine it is and nothing about what it can run: recordings are passed on.
  return { ...facts, hostname: 'recorded' };
}
