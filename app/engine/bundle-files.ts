/** Bundles that leave the workspace as one file, and come in from one. */
import { resolve } from 'node:path';
import { type ExportResult, formatBytes, type Imported, type Warning } from '#contract';
import type { Registry } from '#core/bundles';
import { takingIn } from './admit.ts';
import type { Changes } from './changes.ts';
import type { Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface BundleFileDeps {
  registry: Registry;
  jobs: Jobs;
  changes: Changes;
  write: Write;
  record: RecordAct;
}

export class BundleFiles {
  readonly #deps: BundleFileDeps;

  constructor(deps: BundleFileDeps) {
    this.#deps = deps;
  }

  /** @throws bundle.not-usable (trust); machine.*, usage.* about the place */
  async export(request: { ref: string; file: string; jobId?: string | undefined }, actor: string, signal?: AbortSignal): Promise<ExportResult> {
    const { registry, jobs, record } = this.#deps;
    const { name, version, digest } = registry.identify(request.ref);
    const ref = `${name}@${version}`;
    const what = { kind: 'export', title: `Export ${ref} to ${request.file}`, link: `/bundles/${ref}`, id: request.jobId } as const;
    const { file, bytes, resumed } = await jobs.run(what, signal, (control) =>
      registry.export(ref, resolve(request.file), { signal: control.signal, onProgress: (p) => control.progress(p.step, p.fraction) }),
    );
    record(actor, 'bundle.exported', `Exported ${ref} to ${file} (${formatBytes(bytes)})`, { link: `/bundles/${ref}`, digest });
    return { ref, file, bytes, resumedBytes: resumed };
  }

  /** @throws archive.*, bundle.*, model.* (input); trust.*, store.* (trust) when altered */
  import(request: { file: string; ref?: string | undefined; jobId?: string | undefined }, actor: string, signal?: AbortSignal): Promise<Imported> {
    const { registry, jobs, changes, write, record } = this.#deps;
    const warnings: Warning[] = [];
    const work = () =>
      jobs.run({ kind: 'import', title: `Import ${request.file}`, link: '/bundles', id: request.jobId }, signal, async (control) => {
        const imported = await registry.import(resolve(request.file), {
          ref: request.ref,
          ...takingIn(control, warnings),
        });
        const ref = `${imported.name}@${imported.version}`;
        const how = imported.state === 'sound' ? '' : `, ${imported.state}`;
        record(actor, 'bundle.imported', `Imported ${ref} from ${request.file}${how}`, { link: `/bundles/${ref}`, digest: imported.digest });
        changes.publish('bundles');
        return { ...imported, warnings };
      });
    return write('importing a bundle', work, signal);
  }
}
