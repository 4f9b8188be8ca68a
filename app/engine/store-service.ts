/** The store's own care: verified, swept, made again. */
import { type StoreGarbage, type StoreRebuilt, type StoreVerification, formatBytes } from '#contract';
import type { Registry } from '#core/bundles';
import type { Repositories } from '#core/distribution';
import type { Changes } from './changes.ts';
import type { Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface StoreDeps {
  registry: Registry;
  repositories: Repositories;
  jobs: Jobs;
  changes: Changes;
  write: Write;
  record: RecordAct;
}

interface Asked {
  jobId?: string | undefined;
}

const MS_PER_HOUR = 3_600_000;

export class StoreService {
  readonly #deps: StoreDeps;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
  }

  /** Reads everything; what is found wrong is a result, not an error. */
  async verify({ jobId }: Asked, actor: string, signal?: AbortSignal): Promise<StoreVerification> {
    const { registry, jobs, changes, record } = this.#deps;
    const what = { kind: 'verify', title: 'Verify the store', link: '/bundles', id: jobId } as const;
    const result = await jobs.run(what, signal, (control) =>
      registry.verifyStore({ signal: control.signal, onProgress: (p) => control.progress(p.step, p.fraction) }),
    );
    const { blobs, bytes, bad } = result;
    const outcome = bad.length === 0 ? 'nothing is wrong' : `${bad.length} are damaged`;
    record(actor, 'store.verified', `Verified ${blobs} blobs (${formatBytes(bytes)}): ${outcome}`);
    changes.publish('bundles');
    return result;
  }

  gc({ dryRun, keepPartsHours, jobId }: Asked & { dryRun: boolean; keepPartsHours: number }, actor: string, signal?: AbortSignal): Promise<StoreGarbage> {
    const { registry, repositories, jobs, write, record } = this.#deps;
    const work = () =>
      jobs.run({ kind: 'garbage', title: 'Remove what nothing needs', link: '/bundles', id: jobId }, signal, async (control) => {
        // While the list of what is stored is lost, nobody can say what is needed.
        registry.list();
        if (!dryRun) await repositories.sweep();
        const freed = await registry.collectGarbage({ dryRun, partialsOlderThanMs: keepPartsHours * MS_PER_HOUR, signal: control.signal });
        if (freed.freedBytes > 0 && !dryRun)
          record(actor, 'store.swept', `Removed ${freed.blobs} blobs that nothing needs; ${formatBytes(freed.freedBytes)} freed`);
        return freed;
      });
    return write('collecting garbage', work, signal);
  }

  rebuild({ jobId }: Asked, actor: string, signal?: AbortSignal): Promise<StoreRebuilt> {
    const { registry, jobs, changes, write, record } = this.#deps;
    const work = () =>
      jobs.run({ kind: 'rebuild', title: 'Make the catalogue again', link: '/bundles', id: jobId }, signal, async (control) => {
        const { listRestored } = await registry.rebuild({ signal: control.signal, onProgress: (p) => control.progress(p.step, p.fraction) });
        const bundles = registry.list().length;
        record(actor, 'store.rebuilt', `Made the catalogue${listRestored ? ' and index.json' : ''} again: ${bundles} bundles`);
        changes.publish('bundles');
        return { bundles, listRestored };
      });
    return write('rebuilding the catalogue', work, signal);
  }
}
