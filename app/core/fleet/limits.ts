/** Every bound of the workspace's side of a fleet, with its unit. */

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
/** How often a device and this workspace tell each other what the other lacks before the next contact goes on with it. */
export const MAX_STATEMENT_ROUNDS = 3;
/** How long somebody who revokes waits for the devices to be told, in ms; the others are told when they are next reached. */
export const TELL_MS = 30_000;
