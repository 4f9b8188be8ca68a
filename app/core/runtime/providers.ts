/** Execution providers: asked for, and really used. */
import type { ProviderUse } from '#contract';
import { providerShortName } from '#core/hardware';
import { MAX_FALLBACKS } from './limits.ts';
import type { ProfiledNode } from './wire.ts';

/** Counts nodes by provider and lists those that did not run on the first provider asked for. */
export function providerUse(requested: readonly string[], dropped: readonly string[], nodes: readonly ProfiledNode[]): ProviderUse {
  const actual: Record<string, number> = {};
  const fallbacks: ProviderUse['fallbacks'] = [];
  const first = requested[0] ?? 'cpu';
  for (const { name, op, provider } of nodes) {
    const short = providerShortName(provider);
    actual[short] = (actual[short] ?? 0) + 1;
    if (short !== first && fallbacks.length < MAX_FALLBACKS) {
      const reason = dropped.includes(first) ? `this build of ONNX Runtime has no ${first}` : `${first} does not take this operator with these types or shapes`;
      fallbacks.push({ node: name, op, provider: short, reason });
    }
  }
  return { requested: [...requested], actual, fallbacks };
}
