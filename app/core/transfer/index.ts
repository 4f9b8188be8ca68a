/** Bytes to a device: mutual TLS with the device known by its certificate, the OCI push API, resumed after any cut. */
export { BUSY, INTERRUPTED, NOT_TRUSTED, REFUSED, TOO_SLOW, UNREACHABLE, WRONG_ANSWER, WRONG_DEVICE, lineError, mayRetry } from './errors.ts';
export { CONNECT_MS, GIVE_UP_MS, PIECE_BYTES } from './limits.ts';
export { type Answer, openPeer, type Peer, type PeerOptions, type PeerRequest, splitAddress } from './peer.ts';
export { type Retry, type RetryOptions, retry } from './retry.ts';
export { type BlobSource, pushBlob, pushManifest, type UploadMemory, type UploadOptions, type UploadResult } from './upload.ts';
