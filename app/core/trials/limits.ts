/** Every bound of a trial, with its unit. */

/** How long making one variant may take, in ms. */
export const MAKE_TIMEOUT_MS = 30 * 60_000;
/** How long the process that makes one may take to start, in ms, and how often its memory is looked at. */
export const CHILD_START_MS = 60_000;
export const MEMORY_LOOK_MS = 100;
/** Largest answer of that process, in bytes. */
export const MAX_QUANTIZE_ANSWER_BYTES = 4 * 1024 * 1024;
/** Longest gate expression, in characters. */
export const MAX_GATE_CHARS = 200;
/** Runs before the first measured one, per variant and round. */
export const WARM_UP_RUNS = 10;
/** Two p50 latencies closer than this share of the smaller one count as equal, whatever the noise says. */
export const LATENCY_TIE_SHARE = 0.03;
/** Most trials listed at once. */
export const MAX_LISTED_TRIALS = 500;
