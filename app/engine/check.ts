/** Checking a model in all its stages: from its file first, then loaded and run in a limited process. */
import type { CheckRequest, CheckResult } from '#contract';
import { checkStructure } from '#core/onnx';
import { Turns } from '#core/platform';
import { probeLimits, probeModel } from '#core/runtime';

export class Checker {
  /** Models are tried one at a time: the limits of one are what this computer spares for all of them. */
  readonly #turns = new Turns();

  /** @throws model.* (input) for a model that must be refused; cancelled; usage.* and machine.* for what is not the model's fault */
  async check(request: CheckRequest, signal?: AbortSignal): Promise<CheckResult> {
    const structure = await checkStructure(request.path, { signal });
    if (!request.run) {
      const detail = 'Not asked for.';
      const left = [
        { name: 'load' as const, outcome: 'skipped' as const, ms: 0, detail },
        { name: 'run' as const, outcome: 'skipped' as const, ms: 0, detail },
      ];
      return { ok: true, warnings: structure.warnings, stages: [...structure.stages, ...left] };
    }
    const own = probeLimits(structure.storedBytes);
    const limits = { timeoutMs: request.timeoutMs ?? own.timeoutMs, memoryBytes: request.memoryBytes ?? own.memoryBytes };
    const probed = await this.#turns.take(() => probeModel(request.path, { ...limits, signal }), signal);
    return {
      ok: true,
      warnings: [...structure.warnings, ...probed.warnings],
      stages: [...structure.stages, ...probed.stages],
      limits: { ...limits, enforcement: probed.enforcement },
    };
  }
}
