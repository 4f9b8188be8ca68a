/**
 * The verdict: of the variants that ran, kept their golden rule and met every gate, the fastest; where latencies can't be
 * told apart, the smallest. The first variant is the base; one slower than it is never chosen without saying so.
 */
import { formatMs, type TrialVariant } from '#contract';
import { LATENCY_TIE_SHARE } from './limits.ts';

export interface Verdict {
  chosen?: string;
  reason: string;
}

/** It ran to its end, met every gate and broke no golden rule. Without a golden set there is none to break, which the verdict says. */
export function passes(variant: TrialVariant): boolean {
  return variant.stage === 'done' && variant.golden?.pass !== false && variant.gates.every((g) => g.pass);
}

/** See the rule above. `chosen` is absent when no variant passes; the reason is one sentence either way. */
export function decide(variants: readonly TrialVariant[]): Verdict {
  const candidates = variants.filter(passes);
  const first = variants[0];
  const base = first?.stage === 'done' ? first : undefined;
  if (candidates.length === 0) return { reason: `No variant passed: ${variants.map(whyNot).join('; ')}.` };
  const fastest = candidates.reduce((a, b) => (latency(b) < latency(a) ? b : a));
  const chosen = candidates.filter((v) => indistinguishable(v, fastest)).reduce((a, b) => ((b.bytes ?? Infinity) < (a.bytes ?? Infinity) ? b : a));
  const failed = variants.filter((v) => !passes(v));
  const others = failed.length === 0 ? '' : ` Not chosen: ${failed.map(whyNot).join('; ')}.`;
  if (!base || chosen === base) {
    const slower = candidates.filter((v) => v !== chosen);
    const because = slower.length === 0 ? 'the only variant that passed' : slower.map((v) => speed(chosen, v)).join(', ');
    return { chosen: chosen.name, reason: `${chosen.name}: ${because}.${unproven(chosen)}${others}` };
  }
  return { chosen: chosen.name, reason: `${chosen.name}: ${compareWithBase(chosen, base)}.${unproven(chosen)}${others}` };
}

function unproven(variant: TrialVariant): string {
  return variant.golden ? '' : ' The bundle has no golden set, so a device would refuse it.';
}

function latency(variant: TrialVariant): number {
  return Math.max(...variant.machines.map((m) => m.benchmark.latencyMs.p50));
}

/** Noise of either measurement, or LATENCY_TIE_SHARE if that is more. */
function indistinguishable(a: TrialVariant, b: TrialVariant): boolean {
  const noise = Math.max(...[...a.machines, ...b.machines].map((m) => m.benchmark.noise), LATENCY_TIE_SHARE);
  const [low, high] = [latency(a), latency(b)].sort((x, y) => x - y) as [number, number];
  return high <= low * (1 + Math.min(noise, 0.5));
}

function compareWithBase(variant: TrialVariant, base: TrialVariant): string {
  const parts: string[] = [];
  parts.push(
    indistinguishable(variant, base) ? `as fast as ${base.name} (${formatMs(latency(variant))} against ${formatMs(latency(base))})` : speed(variant, base),
  );
  if (variant.bytes !== undefined && base.bytes !== undefined) {
    const share = 1 - variant.bytes / base.bytes;
    parts.push(share >= 0 ? `${Math.round(share * 100)} % smaller` : `${Math.round(-share * 100)} % larger`);
  }
  if (variant.metric && base.metric) {
    const change = variant.metric.value - base.metric.value;
    parts.push(
      `${variant.metric.name} ${+variant.metric.value.toPrecision(4)} against ${+base.metric.value.toPrecision(4)} (${change >= 0 ? '+' : '−'}${+Math.abs(change).toPrecision(2)})`,
    );
  }
  return parts.join(', ');
}

function speed(a: TrialVariant, b: TrialVariant): string {
  const ratio = latency(b) / latency(a);
  const times = ratio >= 1 ? `${ratio.toFixed(ratio < 10 ? 2 : 0)}× faster` : `${(1 / ratio).toFixed(2)}× slower`;
  return `${times} than ${b.name} (p50 ${formatMs(latency(a))} against ${formatMs(latency(b))})`;
}

function whyNot(variant: TrialVariant): string {
  if (variant.error) return `${variant.name} failed (${variant.error.message.replace(/\.$/, '')})`;
  if (variant.stage !== 'done') return `${variant.name} was not run`;
  if (variant.golden && !variant.golden.pass) return `${variant.name} broke its golden rule (${variant.golden.worst ?? variant.golden.rule})`;
  const gate = variant.gates.find((g) => !g.pass);
  return gate ? `${variant.name} missed "${gate.gate}" (${gate.value})` : `${variant.name} passed`;
}
