/** Every bound of sending bytes to a device, with its unit. */

/** How long a connection with its TLS handshake may take, in ms. */
export const CONNECT_MS = 10_000;
/** How long a connection may be silent in both directions, in ms. A long poll adds its own wait. */
export const IDLE_MS = 30_000;
/** A peer slower than this is dropped, in bytes per second. Slow radio links (LTE-M at its edge) still reach it. */
export const MIN_BYTES_PER_SECOND = 4 * 1024;
/** Time any request may take besides its bytes, in ms. */
export const REQUEST_MS = 60_000;
/** Largest answer that is read, in bytes. */
export const MAX_ANSWER_BYTES = 1024 * 1024;
/** Largest answer header block, in bytes. */
export const MAX_ANSWER_HEADER_BYTES = 16 * 1024;
/** Longest upload address a peer may name, in characters. */
export const MAX_LOCATION_LENGTH = 2048;
/** Bytes in one PATCH: what is lost at most when a line is cut and the peer keeps only whole pieces. */
export const PIECE_BYTES = 8 * 1024 * 1024;
/** First pause after a cut line, in ms; it doubles up to MAX_RETRY_MS. */
export const FIRST_RETRY_MS = 250;
export const MAX_RETRY_MS = 5_000;
/** After this long without a single byte of progress an upload gives up, in ms. What was sent stays for next time. */
export const GIVE_UP_MS = 60_000;
/** Longest pause that a peer may ask for with Retry-After, in ms. */
export const MAX_RETRY_AFTER_MS = 60_000;
/** Sockets kept open to one device while idle. */
export const MAX_FREE_SOCKETS = 4;
