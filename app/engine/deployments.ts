/** Deployments as jobs: which variant goes, one job for all devices of a request, and what is recorded. */
import { randomUUID } from 'node:crypto';
import { type DeploySpec, EdgewrightError, type Preflight, type RollbackResult } from '#contract';
import type { Registry } from '#core/bundles';
import type { Fleet } from '#core/fleet';
import type { Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface DeploymentDeps {
  registry: Registry;
  fleet: Fleet;
  jobs: Jobs;
  write: Write;
  record: RecordAct;
  /** The variant that the newest trial of `name@version` chose. */
  chosenVariant: (ref: string) => string | undefined;
}

export class Deployments {
  readonly #deps: DeploymentDeps;

  constructor(deps: DeploymentDeps) {
    this.#deps = deps;
  }

  /**
   * The reference as `name@version`, and the variant that goes: the one named (`#variant`, a variant's digest and `variant` say
   * the same), else what the last trial chose, else the one the bundle was built with.
   * @throws usage.two-variants, and what the registry says of the reference
   */
  withVariant(spec: DeploySpec): DeploySpec & { variant: string } {
    const bundle = this.#deps.registry.resolve(spec.ref);
    const ref = `${bundle.name}@${bundle.version}`;
    const inRef = spec.ref.includes('#') || spec.ref === bundle.variant.digest ? bundle.variant.name : undefined;
    if (inRef !== undefined && spec.variant !== undefined && inRef !== spec.variant) {
      throw new EdgewrightError({ code: 'usage.two-variants', message: `Two variants are named: ${inRef} and ${spec.variant}.`, owner: 'usage' });
    }
    return { ...spec, ref, variant: spec.variant ?? inRef ?? this.#deps.chosenVariant(ref) ?? bundle.variant.name };
  }

  /** Whether each device could take it, with the reason for each no. */
  preflight(spec: DeploySpec): Promise<Preflight[]> {
    return this.#deps.fleet.preflight(this.withVariant(spec));
  }

  /** Answers once the deployments exist; the job ends when every device serves it (on trial or active) or said no. */
  async start(request: DeploySpec, actor: string): Promise<{ jobId: string; deployments: string[] }> {
    const { fleet, jobs, write, record } = this.#deps;
    const spec = this.withVariant(request);
    // The job's id is known first, so that every deployment can be stopped through it.
    const jobId = randomUUID();
    const started = await write('deploying', async () => {
      await this.#deps.registry.signForDevices(spec.ref);
      return fleet.deploy(spec, { jobId });
    });
    const what = `${spec.ref}#${spec.variant}`;
    const ids = started.map((d) => d.id);
    for (const d of started)
      record(actor, 'deployment.started', `Deploy ${what} to ${d.device}${spec.override === undefined ? '' : ` (override: ${spec.override})`}`, {
        link: `/deployments/${d.id}`,
        digest: d.digest,
      });
    const single = started[0];
    const job = jobs.start(
      {
        id: jobId,
        kind: 'deploy',
        title: `Deploy ${what} to ${spec.devices.join(', ')}`,
        link: ids.length === 1 && single ? `/deployments/${single.id}` : '/deployments',
      },
      (control) =>
        write('deploying', async () => {
          const results = await Promise.allSettled(
            started.map((d) =>
              fleet.carryOut(d.id, {
                signal: control.signal,
                onProgress: (p) => control.progress(p.step, p.fraction),
              }),
            ),
          );
          const failed = results.find((r) => r.status === 'rejected');
          for (const id of ids) {
            const now = fleet.deployment(id);
            record(
              now.device,
              `deployment.${now.state.replace(' ', '-')}`,
              now.error ? `${what} on ${now.device}: ${now.error.message}` : `${now.device} serves ${what} (${now.state})`,
              { link: `/deployments/${id}`, digest: now.digest },
            );
          }
          if (failed) throw failed.reason;
        }),
    );
    return { jobId: job.id, deployments: ids };
  }

  async rollback(request: { device: string; model?: string | undefined }, actor: string, signal?: AbortSignal): Promise<RollbackResult> {
    const { fleet, write, record } = this.#deps;
    return write('rolling back', async () => {
      const done = await fleet.rollback(request.device, request.model, signal ? { signal } : {});
      record(actor, 'deployment.rolled-back', `Rolled ${done.device} back: ${done.from} → ${done.to}`, { link: `/devices/${done.device}` });
      return done;
    });
  }
}
