/** Every bound of this room, with its unit. */

/** Largest keyring file, in bytes. */
export const MAX_KEYRING_BYTES = 64 * 1024;
/** How long a first use waits for another process that creates the same keyring, in ms. */
export const KEYRING_WAIT_MS = 15_000;
/** Largest certificate request, certificate or public key accepted from outside, in bytes of PEM or DER. */
export const MAX_PEM_BYTES = 16 * 1024;
/** Largest signature file (Sigstore bundle), in bytes. It grows with the number of signed files, not with their size. */
export const MAX_SIGNATURE_BYTES = 8 * 1024 * 1024;
/** Most things that one signed statement may be about. */
export const MAX_SUBJECTS = 64;
/** Most files one signature may cover. */
export const MAX_SIGNED_FILES = 10_000;
/** Largest signature over a folder, in bytes, and the most files or shards it may list: a folder may be split into many. */
export const MAX_FOLDER_SIGNATURE_BYTES = 64 * 1024 * 1024;
export const MAX_SIGNED_ENTRIES = 200_000;
/** Most folders inside each other in a signed folder. */
export const MAX_FOLDER_DEPTH = 64;
/** Size of the pieces in which files are hashed, in bytes. */
export const HASH_CHUNK_BYTES = 1024 * 1024;
/** Most differences named in one refusal. */
export const MAX_DIFFERENCES_SHOWN = 5;
/** Most certificates between a signer and an authority, both counted. */
export const MAX_CHAIN_CERTIFICATES = 8;
/** Most pairs of certificates tried in the search for an authority. */
export const MAX_PATH_CHECKS = 2_000;
/** Shortest RSA key of an authority, in bits. */
export const MIN_RSA_BITS = 2048;
/** Most signers trusted besides this workspace. */
export const MAX_TRUSTED_SIGNERS = 256;
/** Largest trust list, in bytes. */
export const MAX_TRUST_LIST_BYTES = 8 * 1024 * 1024;
/** Longest name of a trusted signer, in characters. */
export const MAX_SIGNER_NAME = 80;
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
/** Cost of a passphrase that we set, as the binary logarithm of scrypt's N: 128 MiB and about half a second. */
export const SCRYPT_LOG_N = 17;
/** Cheapest and dearest such cost taken from a file: the dearest takes 256 MiB. */
export const MIN_SCRYPT_LOG_N = 14;
export const MAX_SCRYPT_LOG_N = 18;
/** Shortest new passphrase, in characters. */
export const MIN_PASSPHRASE_CHARS = 10;
/** Longest passphrase, in bytes of UTF-8. */
export const MAX_PASSPHRASE_BYTES = 1024;
/** How long the keychain may take where a file would do as well, in ms. */
export const KEYCHAIN_PROBE_MS = 5_000;
/** How long it may take to give the key out, in ms: the system may ask the person first. */
export const KEYCHAIN_ANSWER_MS = 30_000;
/** Longest answer of the child that asks the keychain, in bytes. */
export const MAX_KEYCHAIN_ANSWER_BYTES = 16 * 1024;
/** Largest statement in a signed note, in bytes. */
export const MAX_NOTE_BYTES = 64 * 1024;
/** Largest signature of a note, in bytes of DER; a P-521 one takes 139. */
export const MAX_SIGNATURE_DER_BYTES = 256;
/** Largest file that hands devices over to another administrator, in bytes of JSON; its statement is smaller. */
export const MAX_GRANT_FILE_BYTES = 2 * 1024 * 1024;
/** Most devices that one grant hands over. */
export const MAX_GRANTED_DEVICES = 2_000;
/** Fewest characters of a fingerprint that name a key. */
export const MIN_FINGERPRINT_CHARS = 8;
/** Most keys that a workspace ever revokes. */
export const MAX_REVOKED_KEYS = 256;
/** How far apart the clocks of two machines may be before one is held to be wrong, in ms. */
export const CLOCK_TOLERANCE_MS = 10 * 60_000;
/** Longest text in one field of an audit line, in UTF-16 units. */
export const MAX_AUDIT_TEXT = 2_000;
/** Longest line of an exported audit log, in bytes. */
export const MAX_AUDIT_LINE_BYTES = 128 * 1024;
/** Lines in `audit.db` beyond which the oldest move to an archive, and how many at once. */
export const MAX_AUDIT_LINES = 20_000;
export const ARCHIVED_AUDIT_LINES = 10_000;
/** Lines checked before others get a turn. */
export const AUDIT_LINES_AT_ONCE = 500;
/** Cost of a backup's passphrase, as the binary logarithm of scrypt's N: what age sets too; 256 MiB and about a second. */
export const AGE_LOG_N = 18;
/** Largest head of an encrypted file, in bytes. */
export const MAX_AGE_HEADER_BYTES = 1024;
