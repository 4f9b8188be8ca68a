/** Every bound of speaking to a device, with its unit. Those of one exchange are in #core/distribution. */

/** Longest upload address a device may name, in characters. */
export const MAX_LOCATION_LENGTH = 2048;
/** Sockets kept open to one device while idle. */
export const MAX_FREE_SOCKETS = 4;
