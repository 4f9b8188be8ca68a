/** Every bound of this domain, with its unit. */

/** Longest a single probe may take before its process is killed, in ms. nvidia-smi takes seconds where the driver must start first. */
export const PROBE_LIMIT_MS = 10_000;
/** Longest a probe's process may take to start, in ms. */
export const PROBE_START_LIMIT_MS = 15_000;
/** Longest a command that a probe runs may take, in ms; below PROBE_LIMIT_MS, so that the probe can still say so. */
export const COMMAND_LIMIT_MS = 8_000;
/** Longest the proof of one provider may take, in ms: a GPU's first session compiles its kernels. */
export const PROOF_LIMIT_MS = 30_000;
/** Largest output of a command that is kept, in bytes. */
export const MAX_COMMAND_BYTES = 1024 * 1024;
/** Largest file a probe reads as text, in bytes. */
export const MAX_TEXT_BYTES = 1024 * 1024;
/** Most entries of a folder a probe looks at. */
export const MAX_ENTRIES = 4096;
/** Most of a child's own words that is put into a reason, in characters. */
export const MAX_REASON_CHARS = 400;
/** Most a child may answer, in bytes. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** Most of a shared library's dynamic section, string table or headers that is read, in bytes. */
export const MAX_ELF_TABLE_BYTES = 16 * 1024 * 1024;
/** How long a report kept in a file holds, in ms, as long as the machine has not been started anew. */
export const REPORT_KEPT_MS = 24 * 60 * 60 * 1000;
/** Timed runs of the tiny model in a proof; the fastest counts. */
export const PROOF_RUNS = 5;
