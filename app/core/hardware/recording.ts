/**
 * Recordings: every question detection put to a machine, with its answer, as one JSON document. docs/RECORDINGS.md explains the
 * format to people who compose one by hand. A recording is foreign input: bounded here, and only ever looked things up in, so no
 * path of it reaches the disk.
 */
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import {
  MAX_ENTRIES,
  MAX_RECORDED_COUNT,
  MAX_RECORDED_KEY_CHARS,
  MAX_RECORDED_PARTS,
  MAX_RECORDING_BYTES,
  MAX_REASON_CHARS,
  MAX_SHORT_CHARS,
  MAX_TEXT_BYTES,
} from './limits.ts';

const short = z.string().max(MAX_SHORT_CHARS);
const long = z.string().max(MAX_TEXT_BYTES);
const count = z.number().int().min(0).max(MAX_RECORDED_COUNT);
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Absolute, as Linux or Windows writes it, without steps upwards: what detection asks for looks like that. */
const path = z
  .string()
  .max(MAX_RECORDED_KEY_CHARS)
  .regex(/^(?:\/|[A-Za-z]:[\\/])/, 'not an absolute path')
  .refine((text) => !text.split(/[\\/]/).includes('..') && !text.includes('\0'), 'a path must not step upwards');

function section<V extends z.ZodType>(key: z.ZodType<string, string>, value: V) {
  return z
    .record(key, value)
    .refine((map) => Object.keys(map).length <= MAX_RECORDED_PARTS, `more than ${MAX_RECORDED_PARTS} entries`)
    .default({});
}

const FactsSchema = z.object({
  platform: short,
  arch: short,
  hostname: short.default('recorded'),
  release: short.default(''),
  osName: short.default(''),
  totalMemoryBytes: bytes,
  freeMemoryBytes: bytes,
  cpuModel: short.default(''),
  cores: count.min(1),
  usableCores: z.number().positive().max(MAX_RECORDED_COUNT),
  cpuFlags: z.array(short).max(MAX_ENTRIES).optional(),
  hypervisor: short.optional(),
  node: short.default('unknown'),
  onnxruntime: short.default('unknown'),
  ortDir: z.string().max(MAX_RECORDED_KEY_CHARS).default(''),
});

const ProofSchema = z.union([
  z.object({ ok: z.literal(true), nodes: z.record(short, count), latencyMs: z.number().min(0) }),
  z.object({ ok: z.literal(false), reason: z.string().max(MAX_REASON_CHARS * 4) }),
]);

export const RecordingSchema = z.object({
  format: z.literal('edgewright-machine/1'),
  /** When and of what it was made, and where its facts come from; free text, for people. */
  note: z.string().max(MAX_TEXT_BYTES).optional(),
  facts: FactsSchema,
  env: section(short, long),
  files: section(path, long),
  /** The first bytes of binary files, as hex digits. */
  bytes: section(
    path,
    z
      .string()
      .max(MAX_SHORT_CHARS)
      .regex(/^(?:[0-9a-f]{2})*$/, 'not hex digits'),
  ),
  /** Folders whose names do not follow from the paths of the other sections. */
  lists: section(path, z.array(short).max(MAX_ENTRIES)),
  links: section(path, z.string().max(MAX_RECORDED_KEY_CHARS)),
  access: section(path, z.enum(['denied', 'ok'])),
  owners: section(path, z.object({ group: short, groupMay: z.boolean(), listed: z.boolean() })),
  /** Command line (joined by spaces) -> result. */
  commands: section(
    z.string().max(MAX_RECORDED_KEY_CHARS),
    z.object({ code: z.number().int().nullable().default(0), stdout: long.default(''), stderr: long.default('') }),
  ),
  needed: section(path, z.array(short).max(MAX_ENTRIES)),
  /** What systeminformation, driver libraries (`driver:cuda`) and pci.ids (`pci:10de:2786`) said, and which libraries load (`load:NAME`). */
  answers: section(z.string().max(MAX_RECORDED_KEY_CHARS), z.unknown()),
  /** Proofs taken on that machine, by provider. */
  proofs: section(short, ProofSchema),
});
export type Recording = z.infer<typeof RecordingSchema>;

/** @throws EdgewrightError `hardware.recording-wrong` (owner input) naming the field. */
export function parseRecording(value: unknown): Recording {
  const result = RecordingSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw recordingWrong(issue ? `${issue.path.join('.').slice(0, MAX_SHORT_CHARS) || 'the document'}: ${issue.message}` : 'something else');
}

/** @throws EdgewrightError `hardware.recording-wrong` (owner input): too large, no JSON, or no recording. */
export function readRecording(text: Uint8Array): Recording {
  if (text.length > MAX_RECORDING_BYTES) throw recordingWrong(`${text.length} bytes, and ${MAX_RECORDING_BYTES} are the most a recording may have`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (error) {
    throw recordingWrong(`not JSON: ${error instanceof Error ? error.message.slice(0, MAX_SHORT_CHARS) : 'unreadable'}`);
  }
  return parseRecording(value);
}

function recordingWrong(found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'hardware.recording-wrong',
    message: 'This is no recording of a machine.',
    expected: 'a document written by edgewright hardware --record',
    found,
    owner: 'input',
  });
}
