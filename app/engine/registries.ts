/** Bundles that come and go over the distribution API: each as its only writer, shown as a job, and on record. */
import type { BundleSummary, Warning } from '#contract';
import type { Registry } from '#core/bundles';
import type { Repositories } from '#core/distribution';
import { admit } from './admit.ts';
import type { Changes } from './changes.ts';
import type { JobControl, Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface RegistriesDeps {
  registry: Registry;
  repositories: Repositories;
  jobs: Jobs;
  changes: Changes;
  write: Write;
  record: RecordAct;
}

export type Received = BundleSummary & { warnings: Warning[] };

export class Registries {
  readonly #deps: RegistriesDeps;

  constructor(deps: RegistriesDeps) {
    this.#deps = deps;
  }

  /** Takes in a bundle that was pushed into the workspace's own registry, judged as any that comes from elsewhere. */
  admit(name: string, version: string, actor: string, signal?: AbortSignal): Promise<Received> {
    const { registry, repositories, jobs, write } = this.#deps;
    const receive = async (control: JobControl): Promise<Received> => {
      const warnings: Warning[] = [];
      const summary = await registry.receive(await repositories.provider(name, version), {
        admit: (candidate) => admit(candidate, control.signal),
        signal: control.signal,
        onProgress: (p) => control.progress(p.step, p.fraction),
        onWarning: (warning) => warnings.push(warning),
      });
      return { ...summary, warnings };
    };
    return write(
      'taking in a bundle',
      async () => {
        const job = jobs.start({ kind: 'receive', title: `Take in ${name}@${version}, pushed to the registry`, link: '/bundles' }, receive);
        signal?.addEventListener('abort', () => void jobs.cancel(job.id).catch(() => {}), { once: true });
        return this.#received(await job.done, actor, 'pushed to the registry');
      },
      signal,
    );
  }

  #received(bundle: Received, actor: string, how: string): Received {
    const { name, version, digest, state } = bundle;
    const link = `/bundles/${name}@${version}`;
    this.#deps.record(actor, 'bundle.received', `Received ${name}@${version}, ${how}${state === 'sound' ? '' : `: ${state}`}`, { link, digest });
    this.#deps.changes.publish('bundles');
    return bundle;
  }
}
