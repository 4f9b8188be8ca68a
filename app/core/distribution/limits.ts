/** Every bound of this room, with its unit. */

const KIB = 1024;
const MIB = 1024 * KIB;

// --- Names -------------------------------------------------------------------------------------------------------------
/** Longest repository name, in characters (distribution-spec: host and name together fit in 255). */
export const MAX_REPOSITORY_LENGTH = 255;

// --- Documents ---------------------------------------------------------------------------------------------------------
/** Most blobs and manifests that one manifest may name. */
export const MAX_REFERENCES = 4096;
/** Largest page of tags, repositories or referrers, in entries. */
export const MAX_PAGE = 1000;
/** Largest list of referrers in one answer, in bytes: what clients read of a manifest at most. */
export const MAX_REFERRERS_BYTES = 4 * MIB;
/** Most tags of one repository. */
export const MAX_TAGS = 10_000;
/** Most manifests kept for repositories that are no bundles. */
export const MAX_KEPT_MANIFESTS = 100_000;
/** Bundles whose documents are kept in memory as repositories. */
export const MAX_CACHED_BUNDLES = 64;

// --- Uploads -----------------------------------------------------------------------------------------------------------
/** Uploads begun and not finished, all repositories together. */
export const MAX_UPLOADS = 256;
/** An upload that nobody touched for this long is dropped, in ms. */
export const UPLOAD_EXPIRES_MS = 24 * 3_600_000;
/** When there are too many uploads, one that rested this long makes room for a new one, in ms. */
export const UPLOAD_YIELDS_MS = 10 * 60_000;
/** Bytes of an upload written before they are made durable. */
export const UPLOAD_SYNC_BYTES = 8 * MIB;
/** Largest note beside an upload, in bytes. */
export const MAX_UPLOAD_NOTE_BYTES = 4 * KIB;
/** Bytes read at once to hash an upload. */
export const HASH_CHUNK_BYTES = 1 * MIB;
/** A blob that no manifest took up is let go after this long, in ms. */
export const UNUSED_BLOB_MS = 24 * 3_600_000;
/** Free space that must be left on the disk by what others send, in bytes. */
export const DISK_MARGIN_BYTES = 256 * MIB;
/** After how many bytes of an upload it is looked again, in bytes: as many uploads as may run at once stay within the margin. */
export const SPACE_LOOK_BYTES = 8 * MIB;

// --- The server --------------------------------------------------------------------------------------------------------
/** Connections at once, and those of one address where others than this computer may come. */
export const MAX_CONNECTIONS = 256;
export const MAX_CONNECTIONS_OF_ONE = 64;
/** Requests at once whose body is being received. */
export const MAX_RECEIVING = 32;
/** Largest certificate chain or key, in bytes. */
export const MAX_PEM_BYTES = 256 * KIB;
/** A TLS handshake must be done after this long, in ms. */
export const HANDSHAKE_MS = 10_000;
/** Request headers must be there after this long, in ms. */
export const HEADERS_MS = 10_000;
/** Largest request header block, in bytes. */
export const MAX_HEADER_BYTES = 16 * KIB;
/** Most headers of one request. */
export const MAX_HEADERS = 100;
/** How often it is looked whether a connection took too long over its headers, in ms. */
export const HEADERS_LOOK_MS = 2_000;
/** An idle keep-alive connection is closed after this long, in ms. */
export const KEEP_ALIVE_MS = 30_000;
/** A body that comes or goes slower than this over RATE_WINDOW_MS is cut off, in bytes per second. */
export const MIN_BYTES_PER_SECOND = 1 * KIB;
export const RATE_WINDOW_MS = 30_000;
/** How much of a body that is refused is read away, and for how long, so that the answer arrives: in bytes and ms. */
export const MAX_DRAINED_BYTES = 1 * MIB;
export const DRAIN_MS = 2_000;
/** How often uploads and blobs nobody took up are swept, in ms. */
export const SWEEP_MS = 3_600_000;
/** Requests under way get this long when the server ends, in ms. */
export const CLOSE_MS = 3_000;

// --- Who may come in ---------------------------------------------------------------------------------------------------
/** Largest password file, in bytes, and most users in it. */
export const MAX_HTPASSWD_BYTES = 1 * MIB;
export const MAX_USERS = 1000;
/** Work factors of bcrypt that are accepted: fewer are guessed, more would keep the server busy. */
export const MIN_BCRYPT_COST = 8;
export const MAX_BCRYPT_COST = 14;
/** bcrypt looks at no more of a password, in bytes. */
export const MAX_PASSWORD_BYTES = 72;
/** How often it is looked whether the password file changed, in ms. */
export const HTPASSWD_LOOK_MS = 1_000;
/** Wrong passwords from one address before it has to wait, and how long it waits, in ms. */
export const MAX_FAILURES = 10;
export const FAILURES_FORGOTTEN_MS = 60_000;
/** Addresses whose failures are remembered. */
export const MAX_REMEMBERED_ADDRESSES = 10_000;
/** Passwords being checked or waiting for it at once. */
export const MAX_PASSWORD_CHECKS = 16;
/** Those of one address. */
export const MAX_PASSWORD_CHECKS_OF_ONE = 2;
/** Right passwords remembered (as keyed hashes), so that not every request costs a bcrypt. */
export const MAX_REMEMBERED_LOGINS = 1000;

// --- Speaking to a device or a registry --------------------------------------------------------------------------------
/** How long a connection with its TLS handshake may take, in ms. */
export const CONNECT_MS = 10_000;
/** How long a connection may be silent in both directions, in ms. A long poll adds its own wait. */
export const SILENCE_MS = 30_000;
/** A peer slower than this is dropped, in bytes per second. Slow radio links (LTE-M at its edge) still reach it. */
export const MIN_SEND_BYTES_PER_SECOND = 4 * KIB;
/** Time any request may take besides its bytes, in ms. */
export const REQUEST_MS = 60_000;
/** Largest answer that is read whole, in bytes. */
export const MAX_ANSWER_BYTES = 4 * MIB;
/** Largest answer header block, in bytes. */
export const MAX_ANSWER_HEADER_BYTES = 16 * KIB;
/** Longest address a peer may name, in characters. */
export const MAX_LOCATION_LENGTH = 8192;
/** Bytes in one PATCH: what is lost at most when a line is cut and the peer keeps only whole pieces. */
export const PIECE_BYTES = 8 * MIB;
/** Largest piece a registry may ask for (`OCI-Chunk-Min-Length`), in bytes. */
export const MAX_CHUNK_MINIMUM = 512 * MIB;
/** First pause after a cut line, in ms; it doubles up to MAX_RETRY_MS. */
export const FIRST_RETRY_MS = 250;
export const MAX_RETRY_MS = 5_000;
/** After this long without a single byte of progress a transfer gives up, in ms. What was sent stays for next time. */
export const GIVE_UP_MS = 60_000;
/** How long it is tried to reach a registry at first, in ms: its name may be wrong. */
export const FIRST_CONTACT_MS = 10_000;
/** Longest pause that a peer may ask for with Retry-After, in ms. */
export const MAX_RETRY_AFTER_MS = 60_000;

// --- Registries elsewhere ----------------------------------------------------------------------------------------------
/** Requests at once to one registry. */
export const MAX_REGISTRY_SOCKETS = 4;
/** Redirects followed for one blob. */
export const MAX_REDIRECTS = 5;
/** Longest reference to something in a registry that is looked at, in characters. */
export const MAX_REF_LENGTH = 1024;
/** Longest WWW-Authenticate header that is looked at, in characters, and most challenges in it. */
export const MAX_CHALLENGE_LENGTH = 8192;
export const MAX_CHALLENGES = 16;
/** Logins tried for one request. */
export const MAX_LOGINS = 2;
/** Largest answer of a token server, in bytes. */
export const MAX_TOKEN_ANSWER_BYTES = 64 * KIB;
/** Longest user, password or token, in characters. */
export const MAX_SECRET_LENGTH = 16 * KIB;
/** How long a token lives that does not say, in ms (Docker's token specification), how long one may say, and how long before its end it is renewed. */
export const TOKEN_LIVES_MS = 60_000;
export const MAX_TOKEN_LIVES_MS = 24 * 3_600_000;
export const TOKEN_EARLY_MS = 10_000;
/** Largest config.json of Docker, in bytes. */
export const MAX_DOCKER_CONFIG_BYTES = 1 * MIB;
/** A credential helper must have answered after this long, in ms. A locked keychain waits for a person. */
export const HELPER_MS = 30_000;
/** Largest answer of a credential helper, in bytes. */
export const MAX_HELPER_BYTES = 64 * KIB;
/** Pages of a list of referrers that are read. */
export const MAX_REFERRER_PAGES = 20;
/** A registry may take this long over its answer to a whole upload, in bytes per second: many hash it all again, or copy it elsewhere. */
export const MIN_SETTLE_BYTES_PER_SECOND = 16 * MIB;
/** A registry may take this long over a manifest, in ms: one of ours checks and runs the bundle first. */
export const MANIFEST_WAIT_MS = 300_000;
/** Blobs sent at once. */
export const PUSH_LANES = 3;
/** Largest blob that is sent in one request, in bytes; larger ones go in pieces, so that they can be resumed. */
export const PUT_WHOLE_BYTES = 4 * MIB;
/** How often an entry that others overwrite is added again to a list of referrers, and the pause before, in ms. */
export const MAX_FALLBACK_TRIES = 8;
export const FALLBACK_PAUSE_MS = 100;
/** How long a begun upload elsewhere, and what is known of other registries' repositories, is remembered, in ms. */
export const REMEMBERED_MS = 30 * 24 * 3_600_000;
