/** Every bound of this room, with its unit. */

/** How long making the Python environment may take, in ms: PyTorch's wheels are gigabytes. */
export const INSTALL_TIMEOUT_MS = 60 * 60_000;
/** How long an exporter may run, in ms. */
export const EXPORT_TIMEOUT_MS = 20 * 60_000;
/** Memory an exporter with all its processes may take, in bytes. */
export const EXPORT_MEMORY_BYTES = 16 * 1024 ** 3;
/** Largest file an exporter may write, in bytes. */
export const EXPORT_FILE_BYTES = 16 * 1024 ** 3;
/** Scratch space of an exporter, in bytes of memory. */
export const EXPORT_SCRATCH_BYTES = 2 * 1024 ** 3;
/** How long trying out a sandbox may take, in ms. */
export const SANDBOX_TRIAL_MS = 20_000;
/** How long asking uv for its version may take, in ms. */
export const UV_VERSION_MS = 10_000;
/** How much of a file's beginning and end is read to tell what it is, in bytes. */
export const SNIFF_BYTES = 256 * 1024;
/** Largest report of an exporter, in bytes. */
export const MAX_REPORT_BYTES = 1024 * 1024;
/** Most notes an exporter's report may carry, and the longest of them in characters. */
export const MAX_NOTES = 10;
export const MAX_NOTE_CHARS = 500;
/** How much of an exporter's last words an error repeats, in characters. */
export const LAST_WORDS_CHARS = 1200;
