/** Checking a model in all its stages: from its file first, then loaded and run in a limited process. */
import type { CheckRequest, CheckResult, CheckStage } from '#contract';
import { checkStructureApart } from '#core/onnx';
import { Turns } from '#core/platform';
import { probeLimits, probeModel } from '#core/runtime';
import { CHECK_TIME_MS, LEAST_PROBE_MS } from './limits.ts';

const NOT_ASKED: readonly CheckStage[] = (['load', 'run'] as const).map((name) => ({ name, outcome: 'skipped', ms: 0, detail: 'Not asked for.' }));

export class Checker {
  /** Models are tried one at a time: the limits of one are what this computer spares for all of them. */
  readonly #turns = new Turns();

  /** @throws model.* (input) for a model that must be refused; cancelled; usage.* and machine.* for what is not the model's fault */
  check(request: CheckRequest, signal?: AbortSignal): Promise<CheckResult> {
    return this.#turns.take(() => this.#check(request, signal), signal);
  }

  async #check(request: CheckRequest, signal: AbortSignal | undefined): Promise<CheckResult> {
    const start = performance.now();
    const structure = await checkStructureApart(request.path, { signal });
    if (!request.run) return { ok: true, warnings: structure.warnings, stages: [...structure.stages, ...NOT_ASKED] };
    const own = probeLimits(structure.storedBytes);
    const used = performance.now() - start;
    const limits = {
      timeoutMs: request.timeoutMs ?? Math.max(LEAST_PROBE_MS, Math.round(own.timeoutMs - Math.max(0, used + own.baseTimeoutMs - CHECK_TIME_MS))),
      memoryBytes: request.memoryBytes ?? own.memoryBytes,
    };
    const probed = await probeModel(request.path, { ...limits, signal });
    return {
      ok: true,
      warnings: [...structure.warnings, ...probed.warnings],
      stages: [...structure.stages, ...probed.stages],
      limits: { ...limits, enforcement: `${probed.enforcement}; its process is ended when its time is up`, isolation: probed.isolation },
    };
  }
}
