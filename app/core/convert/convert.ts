/**
 * A framework's file becomes ONNX by that framework's own exporter, in a throw-away environment of pinned wheels, inside a
 * sandbox: such files can carry code. What comes out is as untrusted as what went in, and goes through every check of a model.
 */
import { lstat, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readFileBounded, runCommand } from '#core/platform';
import { lacking, misused, unsound } from './errors.ts';
import { EXPORT_MEMORY_BYTES, EXPORT_TIMEOUT_MS, MAX_NOTE_CHARS, MAX_NOTES, MAX_REPORT_BYTES } from './limits.ts';
import { byHand } from './by-hand.ts';
import { convertersDir } from './converters.ts';
import { findSandbox, outerEnv } from './sandbox.ts';
import type { SourceKind } from './source-kind.ts';
import { findUv, lastWords, makeEnvironment } from './uv.ts';

const Tolerance = z.number().min(0).max(1);
const ReportSchema = z.object({
  framework: z.string().max(100),
  versions: z.record(z.string().max(100), z.string().max(100)),
  notes: z.array(z.string()).transform((notes) => notes.slice(0, MAX_NOTES).map((note) => note.slice(0, MAX_NOTE_CHARS))),
  golden: z.boolean(),
  atol: Tolerance,
  rtol: Tolerance,
  classes: z.array(z.string().max(1000)).max(1000).nullable(),
});
export type ConversionReport = z.infer<typeof ReportSchema>;

export interface Conversion {
  /** Folder with model.onnx, its external data, and golden.npz where `report.golden`; until `remove`. */
  dir: string;
  remove(): Promise<void>;
  kind: SourceKind;
  report: ConversionReport;
  /** How the exporter was kept in. */
  sandbox: string;
}

export interface ConvertOptions {
  /** Where temporary folders are made. */
  tempDir: string;
  signal?: AbortSignal | undefined;
  onStep?: ((step: string) => void) | undefined;
}

/** What an exporter may leave; anything else is refused. */
const RESULTS = ['model.onnx', 'model.onnx.data', 'golden.npz', 'report.json'];

/**
 * Call it only when the person trusts the source: see `checkTrusted`.
 * @throws convert.no-uv, convert.no-sandbox, convert.no-python (machine), convert.install-failed
 * (network), convert.refused, convert.failed, convert.too-slow, convert.too-large (input)
 */
export async function convertSource(path: string, kind: SourceKind, options: ConvertOptions): Promise<Conversion> {
  const { signal, onStep } = options;
  const uv = await findUv(signal);
  signal?.throwIfAborted();
  if (!uv) throw lacking('no-uv', 'There is no uv on this computer, with which the exporter’s Python would be set up.', { hint: byHand(path, kind) });
  const work = await mkdtemp(join(await realpath(options.tempDir), 'convert-'));
  const environment = join(work, 'environment');
  const out = join(work, 'out');
  try {
    await mkdir(out);
    await mkdir(`${out}.root`);
    const { python, readable } = await makeEnvironment(uv.command, environment, join(convertersDir(), 'requirements', `${kind.environment}.txt`), {
      signal,
      onStep,
    });
    const source = { path: await realpath(path), name: `model${extensionOf(path)}` };
    const request = { readable: [...readable, convertersDir()], source, out };
    const sandbox = await findSandbox(request, [python, '-I', '-c', 'pass'], signal);
    signal?.throwIfAborted();
    if (!sandbox) {
      throw lacking('no-sandbox', 'On this computer the exporter cannot be kept from network, home and workspace, so it is not run here.', {
        expected: process.platform === 'linux' ? 'bubblewrap, or user namespaces that this user may make' : 'a system with a sandbox (Linux, macOS)',
        hint: byHand(path, kind),
      });
    }
    onStep?.(`Exporting from ${kind.title}`);
    const script = join(convertersDir(), `export_${kind.exporter}.py`);
    let refused: string | undefined;
    const end = await runCommand({
      ...sandbox.invoke([python, '-E', '-s', '-B', script, `/source/${source.name}`, '/out']),
      env: outerEnv(),
      timeoutMs: EXPORT_TIMEOUT_MS,
      maxMemoryBytes: EXPORT_MEMORY_BYTES,
      signal,
      onLine: (line) => {
        if (line.startsWith('step: ')) onStep?.(line.slice('step: '.length).slice(0, MAX_NOTE_CHARS));
        if (line.startsWith('refused: ')) refused = line.slice('refused: '.length);
      },
    });
    signal?.throwIfAborted();
    if (end.stopped === 'timeout') throw unsound('too-slow', 'The exporter did not end in time.', { expected: `at most ${EXPORT_TIMEOUT_MS / 60_000} min` });
    if (end.stopped === 'memory')
      throw unsound('too-large', 'The exporter took too much memory.', { expected: `at most ${EXPORT_MEMORY_BYTES / 1024 ** 3} GiB` });
    if (end.code === 3 && refused !== undefined)
      throw unsound('refused', `The file cannot be converted: ${refused}.`, {
        hint: 'Export ONNX where the model was made, with the versions it was made with.',
      });
    if (end.code !== 0)
      throw unsound('failed', 'The exporter broke off.', { found: lastWords(end.said), hint: 'Export ONNX where the model was made, and import that.' });
    const report = await collect(out);
    await rm(environment, { recursive: true, force: true });
    return { dir: out, remove: () => rm(work, { recursive: true, force: true }), kind, report, sandbox: sandbox.title };
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
}

/** @throws convert.trust-needed (usage) unless the person says that this file may run code, in a sandbox */
export function checkTrusted(path: string, kind: SourceKind, trustSource: boolean): void {
  if (trustSource) return;
  throw misused('trust-needed', `${basename(path)} is a ${kind.title}. Such files can carry code, which runs when they are read.`, {
    hint: 'If you trust whoever made it, say so with --trust-source. It is read in a sandbox without network, home or workspace.',
  });
}

/** Regular files of known names only; the report is the exporter's word, bounded. */
async function collect(out: string): Promise<ConversionReport> {
  const names = await readdir(out);
  for (const name of names) {
    if (!RESULTS.includes(name) || !(await lstat(join(out, name))).isFile())
      throw unsound('strange-result', 'The exporter left something that is none of its results.', { found: JSON.stringify(name).slice(0, 200) });
  }
  if (!names.includes('model.onnx') || !names.includes('report.json')) throw unsound('failed', 'The exporter ended without a model.');
  let document: unknown;
  try {
    document = JSON.parse((await readFileBounded(join(out, 'report.json'), MAX_REPORT_BYTES)).toString('utf8'));
  } catch (cause) {
    throw unsound('strange-result', 'The exporter’s report cannot be read.', { cause });
  }
  const report = ReportSchema.safeParse(document);
  if (!report.success) throw unsound('strange-result', 'The exporter’s report is not what it should be.', { found: report.error.issues[0]?.message ?? '' });
  await rm(join(out, 'report.json'));
  return { ...report.data, golden: report.data.golden && names.includes('golden.npz') };
}

/** Some loaders go by the extension; nothing else of the name is passed on. */
function extensionOf(path: string): string {
  return /\.[a-z0-9]{1,8}$/i.exec(basename(path))?.[0].toLowerCase() ?? '';
}
