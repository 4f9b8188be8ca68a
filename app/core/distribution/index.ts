/** The OCI distribution API: repositories of the store, a server for them, a client for any registry. */
export { OciError } from './oci-error.ts';
export { parseChunkRange, uploadRange } from './ranges.ts';
export { openRepositories, type Repositories } from './repositories.ts';
export type { BundleDoor } from './server/bundle-door.ts';
export { type RegistryServer, startRegistryServer } from './server/registry-server.ts';
export { openRegistryMemory, type RegistryMemory } from './client/memory.ts';
export { openPullSource } from './client/pull-source.ts';
export { pushBundle } from './client/push-bundle.ts';
export { formatRegistryRef, parseRegistryRef, type RegistryRef } from './client/reference.ts';
export { openRegistryClient, type RegistryAccess } from './client/registry-client.ts';
export { GIVE_UP_MS, MAX_ANSWER_BYTES, MAX_RETRY_AFTER_MS, PIECE_BYTES } from './limits.ts';
export { authorities } from './tls-material.ts';
export { TooLong, type Upload, UploadBusy, Uploads } from './uploads.ts';
export { type Answer, exchange, type LineErrors, type LineFailure } from './wire/exchange.ts';
export { BAD_SERVER_CERTIFICATE, BusyError, INTERRUPTED, mayRetry, NOT_REACHED, retryAfterMs, TOO_SLOW, UNREACHABLE } from './wire/line-errors.ts';
export { type BlobSource, pushBlob, pushManifest, type UploadMemory, type UploadOptions, type UploadResult } from './wire/push-blob.ts';
export { type Retry, type RetryOptions, retry } from './wire/retry.ts';
export type { Wire, WireRequest } from './wire/wire.ts';
