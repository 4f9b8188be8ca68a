/** Variants × machines × measurements, judged by gates, ending in a verdict that is kept. */
export { type Gate, type GateResult, judgeGate, parseGate } from './gates.ts';
export { markPareto } from './pareto.ts';
export { fractionDone, nextStep, type Step } from './plan.ts';
export { TrialStore } from './store.ts';
export { decide, passes } from './verdict.ts';
