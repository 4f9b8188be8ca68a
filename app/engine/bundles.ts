/** What changes the bundles of the workspace: each change as its only writer, shown as a job where it takes long, and on record. */
import { join } from 'node:path';
import { type BundleSummary, EdgewrightError, type Extracted, type VerifyResult, type Warning } from '#contract';
import type { Registry } from '#core/bundles';
import { type Fleet, NEEDED_STATES } from '#core/fleet';
import { programRoot } from '#core/platform';
import { takingIn } from './admit.ts';
import type { Changes } from './changes.ts';
import type { JobControl, Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface BundleDeps {
  registry: Registry;
  fleet: Fleet;
  jobs: Jobs;
  changes: Changes;
  write: Write;
  record: RecordAct;
}

export type Built = BundleSummary & { warnings: Warning[] };

export class Bundles {
  readonly #deps: BundleDeps;

  constructor(deps: BundleDeps) {
    this.#deps = deps;
  }

  /** Builds from a folder with edgewright.yaml: checked, loaded, golden set run, stored, signed. */
  build({ dir, jobId }: { dir: string; jobId?: string | undefined }, actor: string, signal?: AbortSignal): Promise<Built> {
    const { jobs, write } = this.#deps;
    const work = async () => {
      const warnings: Warning[] = [];
      const built = await jobs.run({ kind: 'build', title: `Build the bundle in ${dir}`, link: '/bundles', id: jobId }, signal, (control) =>
        this.buildWithin({ ...control, warn: (warning) => warnings.push(warning) }, dir, actor),
      );
      return { ...built, warnings };
    };
    return write('building a bundle', work, signal);
  }

  /**
   * The same as part of a job that is under way. Call it within `write`.
   * @param source the text of edgewright.yaml, for a folder that holds none
   */
  async buildWithin(control: JobControl, dir: string, actor: string, source?: string): Promise<BundleSummary> {
    const { registry, changes, record } = this.#deps;
    const built = await registry.build(dir, {
      source,
      ...takingIn(control),
    });
    record(actor, 'bundle.built', `Built ${built.name}@${built.version}`, { link: `/bundles/${built.name}@${built.version}`, digest: built.digest });
    changes.publish('bundles');
    return built;
  }

  /** Builds the sample bundle that comes with Edgewright. */
  buildSample(jobId: string | undefined, actor: string, signal?: AbortSignal): Promise<Built> {
    return this.build({ dir: join(programRoot(), 'assets', 'sample-bundle'), jobId }, actor, signal);
  }

  /** Reads every file again; see verifyBundle. */
  verify({ ref, jobId }: { ref: string; jobId?: string | undefined }, signal?: AbortSignal): Promise<VerifyResult> {
    const { registry, jobs } = this.#deps;
    const { name, version } = registry.identify(ref);
    const what = { kind: 'verify', title: `Verify ${name}@${version}`, link: `/bundles/${name}@${version}`, id: jobId } as const;
    return jobs.run(what, signal, (control) => registry.verify(ref, { signal: control.signal, onProgress: (p) => control.progress(p.step, p.fraction) }));
  }

  /**
   * Signs a bundle that nobody trusted signed, because a person decided so. It passes what a build passes first.
   * @throws see signBundle
   */
  sign({ ref, reason, jobId }: { ref: string; reason: string; jobId?: string | undefined }, actor: string, signal?: AbortSignal): Promise<BundleSummary> {
    const { registry, jobs, changes, write, record } = this.#deps;
    const work = async () => {
      const id = registry.identify(ref);
      const name = `${id.name}@${id.version}`;
      const before = registry.list().find((one) => one.digest === id.digest);
      const what = { kind: 'verify', title: `Check and sign ${name}`, link: `/bundles/${name}`, id: jobId } as const;
      const signed = await jobs.run(what, signal, (control) => registry.sign(name, takingIn(control)));
      record(actor, 'bundle.signed', `Signed ${name}, which nobody trusted had signed (${before?.stateReason ?? 'it was not usable'}): ${reason}`, {
        link: `/bundles/${name}`,
        digest: signed.digest,
      });
      changes.publish('bundles');
      return signed;
    };
    return write('signing a bundle', work, signal);
  }

  /** Writes exactly the signed files of a variant into a folder; see extractBundle. */
  extract({ ref, dir, jobId }: { ref: string; dir: string; jobId?: string | undefined }, signal?: AbortSignal): Promise<Extracted> {
    const { registry, jobs } = this.#deps;
    return jobs.run({ kind: 'export', title: `Extract ${ref} to ${dir}`, id: jobId }, signal, (control) =>
      registry.extract(ref, dir, { signal: control.signal, onProgress: (p) => control.progress(p.step, p.fraction) }),
    );
  }

  /** Sound or not. @throws input.bundle-in-use while a device runs it, may go back to it, or is to get it */
  remove(ref: string, actor: string): Promise<{ ref: string; freedBytes: number }> {
    const { registry, fleet, changes, write, record } = this.#deps;
    return write('removing a bundle', async () => {
      const { name, version, digest } = registry.identify(ref);
      checkUnused(fleet, name, version);
      const { freedBytes } = await registry.remove(ref);
      record(actor, 'bundle.removed', `Removed ${name}@${version}`, { digest });
      changes.publish('bundles');
      return { ref: `${name}@${version}`, freedBytes };
    });
  }
}

function checkUnused(fleet: Fleet, name: string, version: string): void {
  const ref = `${name}@${version}`;
  const users = fleet.list().filter((d) => d.bundles.some((b) => b.name === name && b.version === version && NEEDED_STATES.includes(b.state)));
  const pending = fleet.deployments().filter((d) => d.ref === ref && d.endedAt === undefined);
  const names = [...new Set([...users.map((d) => d.name), ...pending.map((d) => d.device)])];
  if (names.length === 0) return;
  const back = users.every((d) => d.bundles.some((b) => b.name === name && b.version === version && b.state === 'previous'));
  throw new EdgewrightError({
    code: 'input.bundle-in-use',
    message: back && pending.length === 0 ? `${names.join(', ')} may go back to ${ref}.` : `${ref} runs on, or is on its way to, ${names.join(', ')}.`,
    hint: 'Deploy another version there first, or remove the device.',
    owner: 'input',
  });
}
