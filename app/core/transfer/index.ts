/** Bytes to a device: mutual TLS with the device known by its certificate, over the OCI push API. */
export { BUSY, NOT_TRUSTED, REFUSED, WRONG_ANSWER, WRONG_DEVICE, lineError } from './errors.ts';
export { openPeer, type Peer, type PeerOptions, splitAddress } from './peer.ts';
