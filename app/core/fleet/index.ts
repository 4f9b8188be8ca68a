/** Devices, enrolment, deployments: the workspace's side, and the wire protocol that the agent speaks too. */
export * from './limits.ts';
export { type PairingWire, pairingExporter, pairingWire } from './pairing-wire.ts';
export * from './protocol.ts';
