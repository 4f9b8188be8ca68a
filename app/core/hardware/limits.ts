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
/** Longest the probes that load drivers' libraries may take to answer one question, in ms: a data-centre GPU without a running driver daemon takes seconds to start. */
export const DRIVER_PROBE_LIMIT_MS = 20_000;
/** Largest recording of a machine, in bytes. */
export const MAX_RECORDING_BYTES = 16 * 1024 * 1024;
/** Most files, links, commands and so on of a recording, each. */
export const MAX_RECORDED_PARTS = 20_000;
/** Longest path or command line of a recording, in characters. */
export const MAX_RECORDED_KEY_CHARS = 4096;
/** Largest number of processors or nodes a recording may speak of. */
export const MAX_RECORDED_COUNT = 65_536;
/** Longest name, flag or variable's name, in characters. */
export const MAX_SHORT_CHARS = 1024;
/** Most links followed for one path; the kernel's own bound. */
export const MAX_LINKS = 40;
/** Most devices of a report. */
export const MAX_DEVICES = 256;
/** Longest text in a report, in characters. */
export const MAX_REPORT_TEXT_CHARS = 2000;
