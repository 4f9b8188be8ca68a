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
/** Largest signed order, in bytes of JSON: in base64, with its grant, it must fit a body. */
export const MAX_SIGNED_ORDER_BYTES = 640 * 1024;
/** Administrators that a device tells of. */
export const MAX_TOLD_ADMINISTRATORS = 256;
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
