/** Every bound of the wire between a workspace and its devices, with its unit. Both sides hold to them. */

/** Largest pairing message, in bytes of JSON. */
export const MAX_PAIRING_MESSAGE_BYTES = 64 * 1024;
/** How long either side of a pairing waits for the other's next message, in ms. */
export const PAIRING_MESSAGE_MS = 10_000;
/** Wrong codes before the pairing door closes for good. */
export const PAIRING_TRIES = 5;
/** How long the pairing door stays open, in ms. */
export const PAIRING_OPEN_MS = 10 * 60_000;

/** Largest JSON body on the management door, in bytes. */
export const MAX_JSON_BODY_BYTES = 1024 * 1024;
/** Longest wait of a long poll, in ms. */
export const MAX_POLL_MS = 20_000;
/** Most blobs one deployment may list. */
export const MAX_DEPLOYMENT_BLOBS = 4096;
/** Most bytes in one PATCH of an upload. A smaller piece loses less when the line is cut. */
export const MAX_UPLOAD_PIECE_BYTES = 8 * 1024 * 1024;
/** Free space a device must keep besides the bytes it gets, in bytes: the pre-flight and the device itself hold to it. */
export const DISK_RESERVE_BYTES = 64 * 1024 * 1024;
/** Largest blob sent whole in the one request that begins its upload, in bytes: what a cut line loses is soon sent again. */
export const MAX_WHOLE_UPLOAD_BYTES = 1024 * 1024;
/** Most events answered at once. */
export const MAX_EVENTS = 500;

// --- The workspace's side -------------------------------------------------------------------------------------------

/** How long connecting to a pairing door may take, in ms. */
export const PAIRING_CONNECT_MS = 10_000;
/** Devices asked for their state at once, and long polls held at once. */
export const MAX_PARALLEL_DEVICES = 32;
/** Deployments that send at once. Each may use a whole link; more would only slow each other. */
export const MAX_PARALLEL_SENDS = 4;
/** After this long without an answer a stored "reachable" no longer counts, in ms. */
export const SEEN_FOR_MS = 90_000;
/** First and longest pause before a device that did not answer is asked again, in ms. */
export const FIRST_MISS_MS = 1_000;
export const MAX_MISS_MS = 15_000;
/** How long a device may be out of sight while it verifies, tests or activates before we stop waiting, in ms. */
export const LOST_SIGHT_MS = 60_000;
/** Events of one device that are kept, and shown with it. */
export const MAX_KEPT_EVENTS = 20_000;
export const MAX_SHOWN_EVENTS = 200;
/** Deployments that a list shows, newest first. */
export const MAX_SHOWN_DEPLOYMENTS = 500;
/** Progress of one deployment is stored and told no more often than this, in ms. */
export const PROGRESS_MS = 250;
/** Rounds in which a device may say again that it lacks what it got. */
export const MAX_SEND_ROUNDS = 3;
/** Memory that a runner takes without its model (Node and ONNX Runtime), in bytes; measured 90 to 110 MB. */
export const RUNNER_BASE_BYTES = 128 * 1024 * 1024;
/** Memory a model takes for each byte of its file where its bundle names no limit: weights, their packed copy, activations. */
export const MEMORY_PER_MODEL_BYTE = 3;
