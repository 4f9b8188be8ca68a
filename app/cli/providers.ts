/** Execution providers in words. */
import type { ProviderUse } from '#contract';

/** What was asked for, what ran where, and why. */
export function describeProviders(use: ProviderUse): string {
  const actual = Object.entries(use.actual)
    .map(([name, nodes]) => `${nodes} nodes on ${name}`)
    .join(', ');
  const fallbacks =
    use.fallbacks.length === 0
      ? ''
      : ` Fell back: ${use.fallbacks
          .slice(0, 3)
          .map((f) => `${f.node} (${f.reason})`)
          .join('; ')}.`;
  return `Asked for ${use.requested.join(', ')}; ran ${actual || 'there'}.${fallbacks}`;
}
