/** Every bound of the agent, with its unit. Those of the wire are in #core/fleet. */

// --- The folder --------------------------------------------------------------------------------------------------------
/** How long a starting agent waits for one that is just ending on the same folder, in ms. */
export const FOLDER_WAIT_MS = 3_000;
/** Events kept in the database; older ones are dropped. */
export const MAX_KEPT_EVENTS = 10_000;
/** Ended deployments kept per model for the record; the blobs of older ones are long gone. */
export const MAX_KEPT_DEPLOYMENTS = 20;

/** How long after its start the agent looks at its hardware, in ms: what serves comes first. */
export const HARDWARE_DELAY_MS = 1_000;
/** How often expired uploads and unneeded blobs are swept, in ms. */
export const HOUSEKEEPING_MS = 3_600_000;
/** Requests under way get this long when the agent ends, in ms. */
export const CLOSE_MS = 3_000;
/** An agent told to end that has not ended by then ends anyway, in ms. */
export const STOP_MS = 15_000;

// --- Doors -------------------------------------------------------------------------------------------------------------
/** Connections at once on the pairing door that have not proven the code; one more ends the oldest. */
export const MAX_PAIRING_STRANGERS = 16;
/** The other side of a pairing gets this long to read the last answer, in ms. */
export const LAST_ANSWER_MS = 1_000;
/** Connections of the workspace at once on the management door. */
export const MAX_MANAGEMENT_CONNECTIONS = 64;
/** Those of administrators among them; one more ends the oldest, so that none keeps the workspace out, which may be about to revoke him. */
export const MAX_ADMINISTRATOR_CONNECTIONS = 32;
/** Connections there that have not shown a certificate yet; one more ends the oldest. */
export const MAX_MANAGEMENT_STRANGERS = 64;
/** Connections at once on the inference door. */
export const MAX_INFERENCE_CONNECTIONS = 256;
/** A TLS handshake must be done after this long, in ms. */
export const HANDSHAKE_MS = 10_000;
/** Request headers must be there after this long, in ms. */
export const HEADERS_MS = 10_000;
/** A whole request must be there after this long, in ms. An upload that needs longer resumes. */
export const REQUEST_MS = 300_000;
/** An idle keep-alive connection is closed after this long, in ms. */
export const KEEP_ALIVE_MS = 30_000;
/** Largest request header block, in bytes. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** No byte for this long ends an upload request, in ms. */
export const UPLOAD_IDLE_MS = 30_000;
/** An upload that nobody touched for this long is dropped, in ms. */
export const UPLOAD_EXPIRES_MS = 7 * 24 * 3_600_000;
/** Uploads open at once. */
export const MAX_UPLOADS = 64;

/** How often it is written down that an administrator came, in ms. */
export const SEEN_NOTE_MS = 60_000;

// --- Inference ---------------------------------------------------------------------------------------------------------
/** Largest inference request, in bytes of JSON. */
export const MAX_INFER_BODY_BYTES = 32 * 1024 * 1024;
/** Largest request for generated text, in bytes of JSON: the longest text, each character escaped. */
export const MAX_GENERATE_BODY_BYTES = 2 * 1024 * 1024;
/** Generating one text may take this long, in ms. */
export const GENERATE_MS = 300_000;
/** Largest recipe or list of labels read on a device, in bytes. */
export const MAX_RECIPE_TEXT_BYTES = 8 * 1024 * 1024;
/** Largest number of elements in one tensor of a request. */
export const MAX_TENSOR_ELEMENTS = 16 * 1024 * 1024;
/** Deepest nesting of `data`; more dimensions than any model has. */
export const MAX_TENSOR_RANK = 16;
/** Requests of one model in flight or waiting; one more is answered 503. */
export const MAX_IN_FLIGHT = 128;
/** One inference may take this long, in ms. */
export const INFER_MS = 60_000;

// --- Runners -----------------------------------------------------------------------------------------------------------
/** A model must be loaded after this long, in ms. */
export const LOAD_MS = 180_000;
/** The golden set and the timing on the device must be done after this long, in ms. */
export const TEST_MS = 600_000;
/** A runner is started ahead of a bundle that lacks at most so many bytes: they are here before it would have been waiting long. */
export const HEAD_START_BYTES = 16 * 1024 * 1024;
/** Runners started ahead at once, those that are being ended again included. */
export const MAX_HEAD_STARTS = 2;
/** A runner that was started ahead and that nobody took ends after this long, in ms. */
export const HEAD_START_MS = 30_000;
/** First pause before a runner that died is started again, in ms; doubled each time. */
export const RESTART_FIRST_MS = 100;
/** Longest such pause, in ms. */
export const RESTART_MAX_MS = 30_000;
/** A runner that lived this long starts again with the first pause, in ms. */
export const RESTART_FORGET_MS = 60_000;
/** First pause before a lane whose step failed is tried again, in ms; doubled each time up to RESTART_MAX_MS. */
export const LANE_RETRY_MS = 1_000;
/** Requests still running on a session that no longer serves get this long, in ms. */
export const DRAIN_MS = 60_000;
/** Timed runs that judge the limit on latency on the device. */
export const TIMED_RUNS = 30;
/** Runs before them that do not count. */
export const WARMUP_RUNS = 3;

// --- Trial -------------------------------------------------------------------------------------------------------------
/** How often a watch is looked at and its progress kept, in ms. */
export const WATCH_TICK_MS = 500;
/** Latencies a watch remembers, newest last. */
export const WATCH_LATENCIES = 500;
/** Requests needed before their 95th percentile counts. */
export const MIN_LATENCY_SAMPLES = 20;
/** Runner crashes on trial that end it, whatever the share of failures. */
export const MAX_TRIAL_CRASHES = 3;
/** Starts of the agent after an unclean end, while one bundle is on trial, that count as a crash loop. */
export const MAX_TRIAL_STARTS = 3;
/** Times a test of a bundle may be cut off by the end of the agent itself. */
export const MAX_TEST_ATTEMPTS = 3;
/** Times a committed bundle may fail to load before the one before it serves again. */
export const MAX_SERVE_ATTEMPTS = 3;
