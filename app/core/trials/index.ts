/** Variants × machines × measurements, judged by gates, ending in a verdict that is kept. */
export { type Gate, type GateResult, judgeGate, parseGate } from './gates.ts';
export { markPareto } from './pareto.ts';
export { fractionDone, nextStep, type Step } from './plan.ts';
export { runTrial, THIS_COMPUTER, type TrialContext } from './run.ts';
export { TrialStore } from './store.ts';
export { quantizeApart } from './quantize-apart.ts';
export { quantizeRuntime } from './quantize-runtime.ts';
export { MADE_VARIANTS, recipeOf } from './variants.ts';
export { decide, passes } from './verdict.ts';
