/** Bundles that come and go over the distribution API: each as its only writer, shown as a job, and on record. */
import { EdgewrightError, formatBytes, type Imported, type PushResult, type Warning } from '#contract';
import type { BundleProvider, Registry } from '#core/bundles';
import {
  formatRegistryRef,
  openPullSource,
  openRegistryClient,
  parseRegistryRef,
  pushBundle,
  type RegistryAccess,
  type RegistryMemory,
  type Repositories,
} from '#core/distribution';
import type { Clock } from '#core/platform';
import { takingIn } from './admit.ts';
import type { Changes } from './changes.ts';
import type { JobControl, Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface RegistriesDeps {
  registry: Registry;
  repositories: Repositories;
  memory: RegistryMemory;
  clock: Clock;
  jobs: Jobs;
  changes: Changes;
  write: Write;
  record: RecordAct;
}

interface Asked {
  target: string;
  access: RegistryAccess;
  jobId?: string | undefined;
}

export class Registries {
  readonly #deps: RegistriesDeps;

  constructor(deps: RegistriesDeps) {
    this.#deps = deps;
  }

  /** @throws bundle.not-usable, trust.* (trust); network.*; usage.registry-ref */
  async push({ ref, target, access, jobId }: Asked & { ref: string }, actor: string, signal?: AbortSignal): Promise<PushResult> {
    const { registry, repositories, memory, clock, jobs, record } = this.#deps;
    const to = parseRegistryRef(target);
    if (to.digest !== undefined)
      throw new EdgewrightError({ code: 'usage.registry-ref', message: 'A bundle is pushed under a tag, not a digest.', owner: 'usage' });
    // What is quarantined or incomplete here is nothing for others.
    const { name, version } = registry.resolve(ref);
    const tag = to.tag ?? version;
    const place = formatRegistryRef({ ...to, tag });
    const what = { kind: 'push', title: `Push ${name}@${version} to ${place}`, link: `/bundles/${name}@${version}`, id: jobId } as const;
    const result = await jobs.run(what, signal, async (control) => {
      control.progress('Asking the registry what it has');
      const content = await repositories.content(name, version);
      const holders = new Map(content.blobs.map(({ digest }) => [digest, memory.holder(to.host, digest, to.repository)]));
      const mountFrom = [...new Set([...holders.values()].filter((one) => one !== undefined))];
      const client = await openRegistryClient(to, access, { clock, actions: 'pull,push', mountFrom, signal: control.signal });
      try {
        const pushed = await pushBundle(client, content, {
          retries: { clock, signal: control.signal },
          tag,
          memory: memory.uploads(to.host, to.repository),
          mountFrom: (digest) => {
            const holder = holders.get(digest);
            return holder === undefined ? [] : [holder];
          },
          onProgress: control.progress,
        });
        memory.noteSent(to.host, to.repository, [...holders.keys()]);
        return pushed;
      } finally {
        client.close();
      }
    });
    record(actor, 'bundle.pushed', `Pushed ${name}@${version} to ${place} (${formatBytes(result.bytesSent)} sent)`, { link: what.link, digest: result.digest });
    return { ref: `${name}@${version}`, target: place, ...result };
  }

  /** @throws network.*; bundle.*, model.* (input); trust.*, store.* (trust) when altered; usage.registry-ref */
  async pull({ target, access, jobId }: Asked, actor: string, signal?: AbortSignal): Promise<Imported> {
    const { clock, jobs, write } = this.#deps;
    const from = parseRegistryRef(target);
    if (from.tag === undefined && from.digest === undefined) {
      throw new EdgewrightError({
        code: 'usage.registry-ref',
        message: 'Which one?',
        expected: 'a tag or a digest',
        found: target.slice(0, 200),
        hint: `For example ${target.slice(0, 150)}:1.0.0`,
        owner: 'usage',
      });
    }
    const place = formatRegistryRef(from);
    const work = () =>
      jobs.run({ kind: 'pull', title: `Pull ${place}`, link: '/bundles', id: jobId }, signal, async (control) => {
        const client = await openRegistryClient(from, access, { clock, actions: 'pull', signal: control.signal });
        try {
          return await this.#receive(await openPullSource(client, from, { clock, signal: control.signal }), control, actor, `from ${place}`);
        } finally {
          client.close();
        }
      });
    return write('pulling a bundle', work, signal);
  }

  /** Takes in a bundle that was pushed into the workspace's own registry, judged as any that comes from elsewhere. */
  admit({ name, version }: { name: string; version: string }, actor: string, signal?: AbortSignal): Promise<Imported> {
    const { repositories, jobs, write } = this.#deps;
    const work = () =>
      jobs.run({ kind: 'pull', title: `Take in ${name}@${version}, pushed to this registry`, link: '/bundles' }, signal, async (control) =>
        this.#receive(await repositories.provider(name, version), control, actor, 'pushed to this registry'),
      );
    return write('taking in a bundle', work, signal);
  }

  async #receive(provider: BundleProvider, control: JobControl, actor: string, how: string): Promise<Imported> {
    const { registry, changes, record } = this.#deps;
    const warnings: Warning[] = [];
    const received = await registry.receive(provider, takingIn(control, warnings));
    const ref = `${received.name}@${received.version}`;
    const state = received.state === 'sound' ? '' : `, ${received.state}`;
    record(actor, 'bundle.received', `Received ${ref} ${how}${state}`, { link: `/bundles/${ref}`, digest: received.digest });
    changes.publish('bundles');
    return { ...received, warnings };
  }
}
