/** A trial as a job. The trial itself is `#core/trials`; this says where its parts come from and who is told. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { asEdgewrightError, EdgewrightError, type HardwareReport, type Trial, type TrialSpec } from '#contract';
import type { BlobStore, Registry } from '#core/bundles';
import { type Clock, Turns } from '#core/platform';
import { parseGate, recipeOf, runTrial, type TrialStore } from '#core/trials';
import type { Changes } from './changes.ts';
import type { JobControl, Jobs } from './jobs.ts';
import type { RecordAct, Write } from './service.ts';

export interface TrialsDeps {
  registry: Registry;
  blobs: BlobStore;
  store: TrialStore;
  jobs: Jobs;
  changes: Changes;
  clock: Clock;
  tempDir: string;
  write: Write;
  record: RecordAct;
  hardware: () => Promise<HardwareReport>;
  onnxruntime: string;
}

export class Trials {
  readonly #deps: TrialsDeps;
  /** Trials run one after another: two at once would each measure the other. */
  readonly #turns = new Turns();

  constructor(deps: TrialsDeps) {
    this.#deps = deps;
  }

  /** Answers once the trial exists; wrong gates, variants or references are refused before that. */
  async start(request: TrialSpec, actor: string): Promise<{ jobId: string; trialId: string }> {
    const { registry, store, jobs, changes, clock, record, write } = this.#deps;
    const gates = request.gates.map(parseGate);
    const bundle = registry.resolve(request.ref);
    const ref = `${bundle.name}@${bundle.version}`;
    const there =
      registry
        .list()
        .find((b) => b.name === bundle.name && b.version === bundle.version)
        ?.variants.map((v) => v.name) ?? [];
    const base = there[0] ?? bundle.variant.name;
    // People say fp32 for "as it came"; a bundle that came in another precision has its own name for that.
    const wanted = request.variants.map((name) => (name === 'fp32' && !there.includes('fp32') ? base : name));
    for (const name of wanted) if (!there.includes(name)) recipeOf(name);
    const names = [...new Set([base, ...wanted])];
    for (const gate of gates) {
      if (gate.of !== undefined && !names.includes(gate.of)) {
        throw new EdgewrightError({
          code: 'usage.gate',
          message: `"${gate.text}" compares with ${gate.of}, which is not in this trial.`,
          expected: `one of ${names.join(', ')}`,
          owner: 'usage',
        });
      }
    }
    const machine = await this.#deps.hardware().then((h) => h.cpu.model);
    const id = randomUUID();
    const trial: Trial = {
      id,
      ref,
      state: 'running',
      startedAt: clock.now(),
      variantNames: names,
      spec: { ...request, ref, variants: names },
      variants: names.map((name) => ({ name, stage: 'waiting', machines: [], gates: [], warnings: [] })),
      machine: { hostname: hostname(), cpu: machine, onnxruntime: this.#deps.onnxruntime },
    };
    const run = (control: JobControl) => async () => {
      const workDir = await mkdtemp(join(this.#deps.tempDir, 'trial-'));
      try {
        const ended = await runTrial(trial, {
          bundle,
          registry,
          store: this.#deps.blobs,
          workDir,
          clock,
          signal: control.signal,
          onProgress: (p) => control.progress(p.step, p.fraction),
          save: (now) => {
            store.save(now);
            changes.publish('trials', id);
          },
          saveSamples: (variant, device, samplesMs) => store.saveSamples(id, variant, device, samplesMs),
        });
        changes.publish('bundles', ref);
        record(actor, 'trial.ended', `Trial of ${ref}: ${ended.verdict?.reason ?? ended.state}`, { link: `/trials/${id}` });
        return ended;
      } finally {
        await rm(workDir, { recursive: true, force: true });
      }
    };
    const job = jobs.start({ kind: 'trial', title: `Trial of ${ref}: ${names.join(', ')}`, link: `/trials/${id}` }, async (control) => {
      try {
        control.progress('waiting for the trial before it');
        return await this.#turns.take(() => write('running a trial', run(control), control.signal), control.signal);
      } catch (error) {
        // It may never have begun: the workspace stayed busy, or it was cancelled while it waited.
        if (trial.state === 'running') {
          trial.state = control.signal.aborted ? 'cancelled' : 'failed';
          trial.error = asEdgewrightError(error).toBody();
          trial.endedAt = clock.now();
          store.save(trial);
          changes.publish('trials', id);
        }
        throw error;
      }
    });
    trial.jobId = job.id;
    store.save(trial);
    changes.publish('trials', id);
    return { jobId: job.id, trialId: id };
  }
}
