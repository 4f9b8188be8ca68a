/** Every bound of this room, with its unit. */

const MIB = 1024 * 1024;

/** Largest wheel or pack file entry that is looked at, in bytes. */
export const MAX_WHEEL_BYTES = 4 * 1024 * MIB;
/** Entries of a wheel that are looked through. */
export const MAX_WHEEL_ENTRIES = 100_000;
/** Largest licence or notice that is kept, in bytes. */
export const MAX_LICENCE_BYTES = 8 * MIB;
/** Largest note about an installed pack, in bytes. */
export const MAX_PACK_NOTE_BYTES = 1 * MIB;
/** Free space that must be left on the disk, in bytes. */
export const DISK_MARGIN_BYTES = 512 * MIB;
/** Redirects followed for one request. */
export const MAX_REDIRECTS = 5;
/** An installation that another one holds up waits so long, in ms. */
export const LOCK_WAIT_MS = 5_000;
/** Longest address of an index or file, in characters. */
export const MAX_ADDRESS_LENGTH = 2048;
/** Packs looked at in one folder. */
export const MAX_PACKS = 64;
