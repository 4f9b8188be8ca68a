/** Every bound of this room, with its unit. */

/** Largest JSON or YAML document we read whole, in bytes. */
export const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;
/** How long a writer without an engine waits for the one before it, in ms. */
export const WORKSPACE_WAIT_MS = 30_000;
/** Largest frame header on a child's pipe, in bytes. */
export const MAX_FRAME_HEADER_BYTES = 4 * 1024 * 1024;
/** Largest frame body on a child's pipe, in bytes. */
export const MAX_FRAME_BODY_BYTES = 2 * 1024 * 1024 * 1024 - 1;
/** How much of a child's stderr is kept for the error message, in bytes. */
export const MAX_STDERR_BYTES = 64 * 1024;
/** How long to wait for the last words of a child that ended, in ms. */
export const LAST_WORDS_MS = 250;
/** Size of the pieces in which files are read, in bytes. */
export const PIECE_BYTES = 2 * 1024 * 1024;
/** How long SQLite waits for another process's transaction, in ms. */
export const SQLITE_BUSY_MS = 10_000;
/** Longest line of another program's output that is passed on, in characters. */
export const MAX_COMMAND_LINE_CHARS = 2000;
/** How often the memory of another program is looked at, in ms. */
export const MEMORY_LOOK_MS = 500;
