/** Taking in a model that is no bundle yet: recognised, converted where it must be, described, and built like any other. */
import { cp, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { EdgewrightError, type ImportRequest, type ImportStarted } from '#contract';
import { SOURCE_FILE } from '#core/bundles';
import { checkTrusted, type Conversion, convertSource, type SourceKind, sourceKind } from '#core/convert';
import { placeNew, tempName } from '#core/platform';
import type { Bundles } from './bundles.ts';
import type { JobControl, Jobs } from './jobs.ts';
import type { Write } from './service.ts';

export interface ImportDeps {
  bundles: Bundles;
  jobs: Jobs;
  write: Write;
  tempDir: string;
}

const FIRST_VERSION = '1.0.0';

export class Imports {
  readonly #deps: ImportDeps;

  constructor(deps: ImportDeps) {
    this.#deps = deps;
  }

  /**
   * Answers once it is clear what is to be done; the job ends when the bundle is stored.
   * @throws convert.* and usage.not-a-model for what cannot be taken in
   */
  async start(request: ImportRequest, actor: string): Promise<ImportStarted> {
    const { bundles, jobs, write } = this.#deps;
    const path = resolve(request.path);
    const kind = await sourceKind(path);
    if (kind) checkTrusted(path, kind, request.trustSource);
    const bundle = { name: request.name ?? nameFrom(path), version: request.version ?? FIRST_VERSION };
    const ref = `${bundle.name}@${bundle.version}`;
    if (request.output !== undefined) await checkFreeFolder(resolve(request.output));
    if (!kind && extname(path).toLowerCase() !== '.onnx') throw notAModel(path);
    const what = {
      kind: 'import',
      title: `Import ${basename(path)} as ${ref}`,
      link: '/bundles',
      ...(request.jobId !== undefined && { id: request.jobId }),
    } as const;
    const job = jobs.start(what, async (control) => {
      if (!kind) {
        const source = stringify({ ...bundle, model: basename(path) });
        await write('importing a model', () => bundles.buildWithin(control, dirname(path), actor, source), control.signal);
        return;
      }
      const conversion = await this.#convert(path, kind, control);
      try {
        const source = describe(bundle, conversion);
        if (request.output === undefined) await write('importing a model', () => bundles.buildWithin(control, conversion.dir, actor, source), control.signal);
        else await keep(conversion.dir, source, resolve(request.output));
      } finally {
        await conversion.remove();
      }
    });
    return { jobId: job.id, ref, ...(kind && { converts: kind.title }) };
  }

  async #convert(path: string, kind: SourceKind, control: JobControl): Promise<Conversion> {
    const conversion = await convertSource(path, kind, {
      tempDir: this.#deps.tempDir,
      signal: control.signal,
      onStep: (step) => control.progress(step),
    });
    for (const message of conversion.report.notes) control.warn({ code: 'import.note', message });
    return conversion;
  }
}

/** edgewright.yaml for what an exporter made. */
function describe(bundle: { name: string; version: string }, { report, kind }: Conversion): string {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  return stringify({
    ...bundle,
    description: `Converted from a ${kind.title} (${versions.join(', ')}).`.slice(0, 2000),
    model: 'model.onnx',
    ...(report.golden && { golden: 'golden.npz', tolerances: { fp32: { atol: report.atol, rtol: report.rtol } } }),
  });
}

/** Puts a converted model where a person wants it, whole or not at all. */
async function keep(dir: string, source: string, target: string): Promise<void> {
  const temp = tempName(target);
  try {
    await cp(dir, temp, { recursive: true });
    await writeFile(join(temp, SOURCE_FILE), source);
    for (const name of await readdir(temp)) await syncFile(join(temp, name));
    if (!(await placeNew(temp, target))) throw outputTaken(target);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function outputTaken(target: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.output-taken',
    message: `${target} is there already.`,
    hint: 'Name a folder that is not there yet.',
    owner: 'usage',
  });
}

async function checkFreeFolder(target: string): Promise<void> {
  if (await stat(target).catch(() => undefined)) throw outputTaken(target);
  await mkdir(dirname(target), { recursive: true });
}

/** A bundle's name out of a file's: what names may not hold becomes a hyphen. */
export function nameFrom(path: string): string {
  const stem = basename(path)
    .replace(/(\.[a-z0-9]{1,8}){1,2}$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63)
    .replace(/[^a-z0-9]+$/, '');
  return stem === '' ? 'model' : stem;
}

function notAModel(path: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.not-a-model',
    message: `${basename(path)} is nothing that can be imported.`,
    expected: '.onnx; PyTorch .pt2, Keras .keras or .h5, a TensorFlow SavedModel folder, .tflite, a scikit-learn pickle, a LightGBM or XGBoost model',
    hint: 'Export ONNX where the model was made, and import that.',
    owner: 'usage',
  });
}
