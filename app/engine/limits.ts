/** Every bound of the engine, with its unit. */

/** Largest WebSocket message a client may send, in bytes: a raw input of about 24 MB as base64. */
export const MAX_MESSAGE_BYTES = 34 * 1024 * 1024;
/** Most calls being answered at once, over all clients: beyond it a caller is told to come back. */
export const MAX_CALLS = 256;
/** Most bytes that wait for a client that does not read, before it is cut off: twice the largest message. */
export const MAX_UNREAD_BYTES = 2 * MAX_MESSAGE_BYTES;
/** How long a new connection may take to present the token, in ms. */
export const TOKEN_WAIT_MS = 2_000;
/** Most connections at once: some tabs, a window and a few command lines. */
export const MAX_CONNECTIONS = 32;
/** Most connections that have not presented a token yet. */
export const MAX_PENDING_CONNECTIONS = 8;
/** How long an HTTP client may take to send its request head, in ms. */
export const HEADERS_TIMEOUT_MS = 5_000;
/** How many ended jobs are kept in memory for the screens. */
export const KEPT_JOBS = 200;
/** How many changes a slow listener may fall behind before it is told to read everything again. */
export const MAX_CHANGE_BACKLOG = 1_000;
/** How many warm runners the playground keeps, and for how long they may idle, in ms. */
export const WARM_RUNNERS = 3;
export const WARM_RUNNER_IDLE_MS = 5 * 60_000;
/** How long one inference from a screen or the command line may take, in ms. */
export const RUN_TIMEOUT_MS = 30_000;
/** How long one run of the golden set of a bundle may take that is being built, in ms: a model that never ends must not hold it up. */
export const GOLDEN_TIMEOUT_MS = 30_000;
/** Samples of the golden set in one such run, where the model leaves it open. */
export const GOLDEN_BATCH = 16;
/** Memory that those runs may take beyond what trying a model of its size takes, in bytes. */
export const GOLDEN_MEMORY_BYTES = 1_250_000_000;
/** How long loading a model may take, in ms. */
export const LOAD_TIMEOUT_MS = 300_000;
/** How long the engine waits for its practice device to be ready, in ms. */
export const PRACTICE_START_MS = 60_000;
/** How often the engine looks whether its practice device still runs, in ms. */
export const PRACTICE_LOOK_MS = 1_000;
/** First and longest pause before a practice device that ended by itself is started again, in ms; it doubles each time. */
export const PRACTICE_RESTART_MS = 1_000;
export const PRACTICE_RESTART_MAX_MS = 60_000;
/** One that ran this long starts again with the first pause, in ms. */
export const PRACTICE_RESTART_FORGET_MS = 60_000;
/** How often an engine that waits for the workspace looks whether another one has it, in ms. */
export const LOOK_FOR_ENGINE_MS = 500;
/** Largest example or raw input read from disk, in bytes. */
export const MAX_RAW_INPUT_BYTES = 256 * 1024 * 1024;
/** How many models a screen looks into are kept read, and for how long after the last question, in ms. */
export const KEPT_MODELS = 4;
export const KEPT_MODEL_IDLE_MS = 5 * 60_000;
/** Most warnings kept on one job. */
export const KEPT_WARNINGS = 100;
/** Longest audit log that is handed to a screen as one text, in bytes. */
export const MAX_AUDIT_TEXT_BYTES = 16 * 1024 * 1024;
/** How long checking a small model may take in all, in ms: what reading its file took is taken off the time for trying it … */
export const CHECK_TIME_MS = 26_000;
/** … of which this much is always left, in ms. */
export const LEAST_PROBE_MS = 5_000;
/** Most files in a backup: blobs of a store, and some more. */
export const MAX_BACKUP_FILES = 200_000;
/** Largest list of what is in a backup, in bytes. */
export const MAX_BACKUP_CONTENTS_BYTES = 32 * 1024 * 1024;
/** Largest pax record in one, in bytes: it holds one size. */
export const MAX_BACKUP_PAX_BYTES = 512;
/** Share of a backup that is written or read between two words about it. */
export const BACKUP_PROGRESS_STEP = 0.005;
/** Most uploads of browser windows at once. */
export const MAX_UPLOADS = 4;
/** Longest name that one of their files keeps, in bytes of UTF-8: what common file systems hold. */
export const MAX_UPLOAD_NAME_BYTES = 255;
/** How long an upload is kept after its last piece, in ms: longer than what is done with it takes. */
export const UPLOAD_IDLE_MS = 2 * 60 * 60_000;
/** Room on the disk that an upload leaves, in bytes. */
export const UPLOAD_SPARE_BYTES = 500_000_000;
