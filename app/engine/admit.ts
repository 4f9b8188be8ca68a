/**
 * What a model must show before it is stored: it loads in a limited runner and reproduces its golden set here.
 * Nothing of it runs in this process.
 */
import { type CheckResult, EdgewrightError } from '#contract';
import type { Candidate } from '#core/bundles';
import { goldenRule } from '#core/datasets';
import { RUNNER_MEMORY_BYTES, runGolden, startRunner } from '#core/runtime';
import { GOLDEN_TIMEOUT_MS, LOAD_TIMEOUT_MS } from './limits.ts';

export async function admit(candidate: Candidate, signal?: AbortSignal): Promise<CheckResult> {
  const options = signal ? { signal } : {};
  const runner = await startRunner({ threads: 1, memoryLimitBytes: candidate.limits.memoryBytes ?? RUNNER_MEMORY_BYTES, label: `check ${candidate.name}` });
  try {
    await runner.load({ path: candidate.modelPath }, { ...options, timeoutMs: LOAD_TIMEOUT_MS });
    if (candidate.goldenPath === undefined) {
      return {
        ok: true,
        warnings: [{ code: 'bundle.no-golden', message: 'This bundle has no golden set, so nothing proves its answers on another machine.' }],
      };
    }
    const golden = await runGolden(runner, candidate.goldenPath, goldenRule(candidate.precision, candidate.tolerances, candidate.metric), {
      ...options,
      timeoutMs: GOLDEN_TIMEOUT_MS,
    });
    if (!golden.pass) {
      throw new EdgewrightError({
        code: 'bundle.golden-failed',
        message: `${candidate.name}@${candidate.version} does not reproduce its golden set on this computer: ${golden.worst ?? golden.rule}.`,
        expected: golden.rule,
        found: `largest error ${golden.maxAbsError}`,
        hint: 'Check that model and golden set belong together, and that the exporter and the recipe prepare inputs alike.',
        owner: 'gate',
      });
    }
    return { ok: true, warnings: [] };
  } finally {
    await runner.close();
  }
}
