/** Every bound of this room, with its unit. */

/** Largest keyring file, in bytes. */
export const MAX_KEYRING_BYTES = 64 * 1024;
/** How long a first use waits for another process that creates the same keyring, in ms. */
export const KEYRING_WAIT_MS = 15_000;
/** Largest certificate request, certificate or public key accepted from outside, in bytes of PEM or DER. */
export const MAX_PEM_BYTES = 16 * 1024;
/** Largest signature file (Sigstore bundle), in bytes. It grows with the number of signed files, not with their size. */
export const MAX_SIGNATURE_BYTES = 8 * 1024 * 1024;
/** Most files one signature may cover. */
export const MAX_SIGNED_FILES = 10_000;
/** Longest path of a signed file, in bytes of UTF-8. */
export const MAX_SIGNED_PATH_BYTES = 1024;
/** Length of a pairing code, in Crockford base32 characters of 5 bits: 80 bits, never fewer without a PAKE. */
export const PAIRING_CODE_CHARS = 16;
/** Length of the TLS exporter value that the pairing MAC covers, in bytes. */
export const PAIRING_EXPORTER_BYTES = 32;
/** How long a device or workspace certificate is valid, in years. */
export const CERTIFICATE_YEARS = 20;
/** How long the workspace's CA certificate is valid, in years: longer than what it issues in its first ten years. */
export const CA_YEARS = 30;
