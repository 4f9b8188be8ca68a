/** Who is trusted besides this workspace: each change on record, and the bundles brought in line with it at once. */
import { basename, extname } from 'node:path';
import {
  type AddSignerSchema,
  type Judged,
  type JudgeRequest,
  MAX_SIGNER_TEXT,
  type OfferedSigner,
  type ReadSignerSchema,
  type TrustedSigner,
  type TrustEffect,
  type TrustOutlook,
} from '#contract';
import type { z } from 'zod';
import type { Registry } from '#core/bundles';
import type { Fleet } from '#core/fleet';
import { type Clock, readFileBounded } from '#core/platform';
import { algorithmOf, checkSignerMaterial, type Keyring, readSignerText, type SignerMaterial, type TrustList } from '#core/trust';
import type { Changes } from './changes.ts';
import { judge } from './judge.ts';
import type { Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface TrustedSignersDeps {
  trust: TrustList;
  keyring: Keyring;
  registry: Registry;
  fleet: Fleet;
  jobs: Jobs;
  changes: Changes;
  clock: Clock;
  write: Write;
  record: RecordAct;
}

export class TrustedSigners {
  readonly #deps: TrustedSignersDeps;

  constructor(deps: TrustedSignersDeps) {
    this.#deps = deps;
  }

  list(): TrustedSigner[] {
    return this.#deps.trust.list();
  }

  /** The public half of this workspace's own signing key, for others to trust. */
  publicKey(): { pem: string; id: string } {
    const { publicKeyPem, fingerprint } = this.#deps.keyring;
    return { pem: publicKeyPem, id: fingerprint };
  }

  /** What a text or a file would make trusted. @throws as add does */
  async read(source: SignerSource): Promise<OfferedSigner> {
    const { trust, clock } = this.#deps;
    const material = await materialOf(source);
    checkSignerMaterial(material, clock.now());
    const { id, certificate } = material;
    const known = trust.list().find((one) => one.id === id)?.name;
    return {
      id,
      name: nameFor(material, source.path),
      material: material.material,
      algorithm: algorithmOf(material.key),
      ...(certificate && { subject: certificate.subject, validUntil: certificate.certificate.validToDate.getTime() }),
      ...(known !== undefined && { known }),
    };
  }

  /** What `remove` would do. @throws trust.unknown-signer, trust.own-key */
  outlook(who: string): TrustOutlook {
    const { trust, registry } = this.#deps;
    const signer = trust.find(who);
    const quarantines = registry.restingOn(signer.id);
    return { signer, quarantines, devices: this.#devicesWith(quarantines) };
  }

  /**
   * Trusts a signer, then reads what only he signed and releases it.
   * @throws trust.private-key, trust.key-*, trust.certificate-*, trust.signer-known (input); usage.missing-file
   */
  async add(request: z.infer<typeof AddSignerSchema>, actor: string, signal?: AbortSignal): Promise<TrustEffect> {
    const { trust, clock, write, record } = this.#deps;
    const material = await materialOf(request);
    checkSignerMaterial(material, clock.now());
    return write(
      'trusting a signer',
      async () => {
        const signer = await trust.add(material, {
          name: request.name ?? nameFor(material, request.path),
          administrator: request.administrator,
          addedBy: actor,
          note: request.note,
          now: clock.now(),
        });
        record(actor, 'trust.added', `Trusted ${signer.name} as ${signer.kind} (${signer.material}, fingerprint ${signer.id})`, { link: '/settings' });
        return this.#effectOf(signer, actor, signal);
      },
      signal,
    );
  }

  /** Trusts a signer no longer: what only he signed cannot be used from then on. Devices that run it go on. */
  async remove(who: string, actor: string): Promise<TrustEffect> {
    const { trust, write, record } = this.#deps;
    return write('no longer trusting a signer', async () => {
      const signer = await trust.remove(who);
      record(actor, 'trust.removed', `No longer trusted ${signer.name} (fingerprint ${signer.id})`, { link: '/settings' });
      return this.#effectOf(signer, actor, undefined);
    });
  }

  /** Whether somebody's signature over a folder holds; see judgeFolder. */
  judge(request: JudgeRequest, signal?: AbortSignal): Promise<Judged> {
    const { trust, jobs, clock } = this.#deps;
    const job = jobs.start({ kind: 'verify', title: `Verify the signature over ${request.target}` }, (control) => {
      signal?.addEventListener('abort', () => void jobs.cancel(job.id).catch(() => {}), { once: true });
      return judge(request, trust, clock.now(), control);
    });
    return job.done;
  }

  async #effectOf(signer: TrustedSigner, actor: string, signal: AbortSignal | undefined): Promise<TrustEffect> {
    const { registry, jobs, changes, record } = this.#deps;
    changes.publish('trust');
    const job = jobs.start({ kind: 'verify', title: `Bring the bundles in line with who is trusted: ${signer.name}`, link: '/bundles' }, (control) => {
      signal?.addEventListener('abort', () => void jobs.cancel(job.id).catch(() => {}), { once: true });
      return registry.trustChanged({ signal: control.signal, onProgress: (p) => control.progress(p.step, p.fraction) });
    });
    try {
      const { quarantined, released } = await job.done;
      for (const ref of quarantined)
        record(actor, 'bundle.quarantined', `${ref} is quarantined: ${signer.name} is no longer trusted`, { link: `/bundles/${ref}` });
      for (const ref of released)
        record(actor, 'bundle.released', `${ref} can be used: it is whole, and signed by ${signer.name}`, { link: `/bundles/${ref}` });
      return { signer, quarantined, released, devices: this.#devicesWith(quarantined) };
    } finally {
      changes.publish('bundles');
    }
  }

  /** The devices that run one of these. */
  #devicesWith(refs: readonly string[]): string[] {
    const devices = this.#deps.fleet.list();
    const runs = (b: (typeof devices)[number]['bundles'][number]) =>
      (b.state === 'active' || b.state === 'on trial') && refs.includes(`${b.name}@${b.version}`);
    return devices.filter((d) => d.bundles.some(runs)).map((d) => d.name);
  }
}

type SignerSource = z.infer<typeof ReadSignerSchema>;

async function materialOf({ pem, path = '' }: SignerSource): Promise<SignerMaterial> {
  return readSignerText(pem ?? (await readFileBounded(path, MAX_SIGNER_TEXT)).toString('utf8'));
}

/** What to call a signer who was given no name: whom the certificate names, else what the file is called. */
function nameFor({ certificate, id }: SignerMaterial, path: string | undefined): string {
  if (certificate) return certificate.subject.slice(0, 80);
  if (path === undefined) return `signer ${id.slice(0, 8)}`;
  return basename(path, extname(path)).slice(0, 80);
}
