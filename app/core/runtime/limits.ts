/** Every bound of this domain, with its unit. */

/** Memory a runner may take on the computer of the workspace, in bytes, where nothing names a limit: an unknown model must not take all of it. */
export const RUNNER_MEMORY_BYTES = 8 * 1024 ** 3;
/** How long a runner may take to start and load ONNX Runtime, in ms (half a second on an idle machine). */
export const START_TIMEOUT_MS = 60_000;
/** How long loading a model may take when the caller sets no time, in ms. */
export const LOAD_TIMEOUT_MS = 300_000;
/** How long one run may take when the caller sets no time, in ms. */
export const RUN_TIMEOUT_MS = 120_000;
/** How long one benchmark call may take when the caller sets no time, in ms. */
export const BENCHMARK_TIMEOUT_MS = 600_000;
/** How long a question about memory may take, in ms. */
export const MEMORY_TIMEOUT_MS = 10_000;
/** How often the runner looks whether its parent lives, in ms. */
export const PARENT_POLL_MS = 250;
/** How often the runner looks at its own resident memory, in ms. */
export const MEMORY_POLL_MS = 50;
/** How long setting the operating system's own limit may take, in ms. */
export const PRLIMIT_TIMEOUT_MS = 5_000;
/** How much of a child's last words an error message repeats, in characters. */
export const LAST_WORDS_CHARS = 600;
/** How long it may take to try out whether a process can be cut off from the network, in ms. */
export const NETWORK_CUT_TRIAL_MS = 5_000;
/** Largest profile read, in bytes (one event a node and run). */
export const MAX_PROFILE_BYTES = 256 * 1024 * 1024;
/** Most nodes listed as having fallen back. */
export const MAX_FALLBACKS = 200;
/** Samples in one batch when scoring a test set. */
export const DEFAULT_BATCH = 64;
/** Runs before each round of a benchmark that are not counted. */
export const DEFAULT_WARMUP = 3;
/** Bars of a histogram of latencies, and about so many points of their course. */
export const HISTOGRAM_BINS = 40;
export const TIMELINE_POINTS = 300;
/** Interquartile ranges above the third quartile from which on a run counts as an outlier (Tukey's outer fence). */
export const OUTLIER_FENCE = 3;
/** From this spread of the rounds' medians on, figures of two benchmarks should not be compared. */
export const NOISY = 0.1;
/** Node executions that a profile for node times may hold; more runs are taken for fewer nodes. */
export const PROFILED_EXECUTIONS = 50_000;
export const MIN_PROFILED_RUNS = 3;
export const MAX_PROFILED_RUNS = 50;
/** Nodes of a profile that are handed over, the heaviest. */
export const MAX_LISTED_NODES = 200;
/** When looking for the largest batch: runs that a p99 is taken from, at most and at least, and how long they may take in ms. */
export const BATCH_RUNS = 200;
export const MIN_BATCH_RUNS = 20;
export const BATCH_TIME_MS = 5_000;
/** Largest batch that is tried. */
export const MAX_TRIED_BATCH = 4096;
/** Most elements of one made-up input. */
export const MAX_SYNTHETIC_ELEMENTS = 64 * 1024 * 1024;
/** Memory the process may take in which a model is tried before it is trusted, in bytes: with the process that asks, below 1 GB. */
export const PROBE_MEMORY_BYTES = 750_000_000;
/** How long loading and running a model may take when it is tried, together, in ms. */
export const PROBE_TIMEOUT_MS = 18_000;
/** Both grow with what the model really holds on disk: this many bytes of memory for each of its bytes … */
export const PROBE_MEMORY_PER_BYTE = 3;
/** … and a ms for so many bytes. */
export const PROBE_BYTES_PER_MS = 50_000;
/** Most bytes of made-up inputs. */
export const MAX_PROBE_INPUT_BYTES = 128 * 1024 ** 2;
/** Most times a model is loaded to be tried: again after an input that ended its process. */
export const MAX_PROBE_LOADS = 2;
/** Largest raw input of a golden set, and largest recipe, read whole, in bytes. */
export const MAX_RAW_GOLDEN_BYTES = 4 * 1024 * 1024;
export const MAX_RECIPE_FILE_BYTES = 1024 * 1024;
