/** What a workspace and a device say to each other: messages, their bounds, and the frames of pairing. Both sides import it, neither the other. */
export * from './limits.ts';
export * from './messages.ts';
export { type PairingWire, pairingExporter, pairingWire } from './pairing-wire.ts';
export { openOrder, type OrderStatement, signOrder } from './signed-order.ts';
export { compareVersions } from './versions.ts';
