/**
 * Push over the OCI distribution API (v1.1: "Push", "Resuming a chunked upload"): only the blobs that an accepted decision
 * lists by digest and size, no pull, no delete, no catalogue. Bytes count only once their digest was checked.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { asEdgewrightError, DigestSchema } from '#contract';
import { type BlobStore, MAX_MANIFEST_BYTES } from '#core/bundles';
import { OciError, parseChunkRange, TooLong, type Upload, UploadBusy, uploadRange, type Uploads } from '#core/distribution';
import { MAX_WHOLE_UPLOAD_BYTES } from '#core/protocol';
import { UPLOAD_IDLE_MS } from '../limits.ts';
import type { Deployments } from '../state/deployments.ts';
import { HttpError, readBody, sendJson, sendText } from './http.ts';

export interface PushServices {
  deployments: Deployments;
  uploads: Uploads;
  store: BlobStore;
  /** A blob arrived whole. */
  onBlob(model: string): void;
}

const BLOB_PATH = /^\/v2\/([a-z0-9._-]{1,63})\/(blobs|manifests)\/(sha256:[0-9a-f]{64})$/;
const UPLOAD_PATH = /^\/v2\/([a-z0-9._-]{1,63})\/blobs\/uploads\/([0-9a-f-]{36})?$/;

/** Answers a request whose path begins with /v2. Never throws. */
export async function handlePush(services: PushServices, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  try {
    await route(services, request, response, url);
  } catch (error) {
    answerError(response, error);
  }
}

async function route(services: PushServices, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const { pathname } = url;
  const method = request.method ?? '';
  if (pathname === '/v2/' && method === 'GET') return sendJson(response, 200, {}, { 'docker-distribution-api-version': 'registry/2.0' });
  const blob = BLOB_PATH.exec(pathname);
  if (blob?.[1] && blob[3]) {
    if (method === 'HEAD') return head(services, response, blob[1], blob[3]);
    if (method === 'PUT' && blob[2] === 'manifests') return putManifest(services, request, response, blob[1], blob[3]);
    throw new OciError(405, 'UNSUPPORTED', 'A device takes pushes only.', { headers: { allow: blob[2] === 'manifests' ? 'HEAD, PUT' : 'HEAD' } });
  }
  const upload = UPLOAD_PATH.exec(pathname);
  const [, model, id] = upload ?? [];
  if (model && !id) {
    if (method !== 'POST') throw new OciError(405, 'UNSUPPORTED', 'An upload begins with POST.', { headers: { allow: 'POST' } });
    return begin(services, request, response, model, url);
  }
  if (model && id) {
    if (method !== 'GET' && method !== 'PATCH' && method !== 'PUT' && method !== 'DELETE')
      throw new OciError(405, 'UNSUPPORTED', 'An upload takes GET, PATCH, PUT and DELETE.', { headers: { allow: 'GET, PATCH, PUT, DELETE' } });
    return services.uploads.exclusive(id, async (found, signal) => {
      signal.addEventListener('abort', () => request.destroy(), { once: true });
      if (found?.repository !== model) throw new OciError(404, 'BLOB_UPLOAD_UNKNOWN', 'This upload is unknown or has expired.');
      if (method === 'GET') return sendText(response, 204, '', uploadHeaders(found));
      if (method === 'PATCH') return patch(services, request, response, found);
      if (method === 'PUT') return finish(services, request, response, found, url);
      await services.uploads.drop(id);
      return sendText(response, 204, '', {});
    });
  }
  throw new OciError(404, 'NAME_UNKNOWN', 'A device has no such address.');
}

async function head({ deployments, store }: PushServices, response: ServerResponse, model: string, digest: string): Promise<void> {
  const size = deployments.expectedSize(model, digest);
  if (size === undefined || (await store.size(digest)) !== size) throw new OciError(404, 'BLOB_UNKNOWN', 'Not here.');
  response.writeHead(200, { 'content-length': String(size), 'docker-content-digest': digest, 'content-type': 'application/octet-stream' });
  response.end();
}

async function putManifest(services: PushServices, request: IncomingMessage, response: ServerResponse, model: string, digest: string): Promise<void> {
  const size = expected(services.deployments, model, digest);
  if (size > MAX_MANIFEST_BYTES) throw new OciError(413, 'SIZE_INVALID', 'No manifest is that large.');
  const bytes = await readBody(request, size);
  await keep(services.store, bytes, digest, size);
  services.onBlob(model);
  sendText(response, 201, '', { location: `/v2/${model}/manifests/${digest}`, 'docker-content-digest': digest });
}

async function begin(services: PushServices, request: IncomingMessage, response: ServerResponse, model: string, url: URL): Promise<void> {
  const { deployments, uploads, store } = services;
  const asked = url.searchParams.get('digest');
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > 0 || request.headers['transfer-encoding'] !== undefined) {
    if (asked !== null && length > 0 && length <= MAX_WHOLE_UPLOAD_BYTES) return takeWhole(services, request, response, model, parseDigest(asked));
    throw new OciError(400, 'UNSUPPORTED', 'An upload of this size begins empty; send its bytes with PATCH.', { headers: { connection: 'close' } });
  }
  const digest = asked === null ? undefined : parseDigest(asked);
  const maxBytes = digest === undefined ? await largestMissing(deployments, store, model) : expected(deployments, model, digest);
  const begun = digest === undefined ? undefined : await uploads.beganFor(model, digest);
  const upload = begun ?? (await uploads.begin({ repository: model, digest, maxBytes }));
  if (!upload) throw new OciError(429, 'TOOMANYREQUESTS', 'Too many uploads are open.', { headers: { 'retry-after': '5' } });
  sendText(response, 202, '', uploadHeaders(upload));
}

/** A small blob that came with the request that begins its upload ("Single POST"). */
async function takeWhole(services: PushServices, request: IncomingMessage, response: ServerResponse, model: string, digest: string): Promise<void> {
  const size = expected(services.deployments, model, digest);
  if (Number(request.headers['content-length']) !== size) {
    throw new OciError(400, 'SIZE_INVALID', `The blob must be ${size} bytes long.`, { headers: { connection: 'close' } });
  }
  request.setTimeout(UPLOAD_IDLE_MS, () => request.destroy());
  await keep(services.store, await readBody(request, size), digest, size);
  services.onBlob(model);
  sendText(response, 201, '', { location: `/v2/${model}/blobs/${digest}`, 'docker-content-digest': digest });
}

async function patch(services: PushServices, request: IncomingMessage, response: ServerResponse, upload: Upload): Promise<void> {
  const said = request.headers['content-range'];
  if (said !== undefined && parseChunkRange(said)?.start !== upload.offset) {
    throw new OciError(416, 'BLOB_UPLOAD_INVALID', `This upload goes on at byte ${upload.offset}.`, { headers: uploadHeaders(upload) });
  }
  await receive(services, request, upload);
  sendText(response, 202, '', uploadHeaders(upload));
}

async function finish(services: PushServices, request: IncomingMessage, response: ServerResponse, upload: Upload, url: URL): Promise<void> {
  const digest = parseDigest(url.searchParams.get('digest') ?? '');
  const size = expected(services.deployments, upload.repository, digest);
  if (upload.digest !== undefined && upload.digest !== digest) throw new OciError(400, 'DIGEST_INVALID', 'This upload was begun for another digest.');
  upload.maxBytes = Math.min(upload.maxBytes, size);
  const length = await receive(services, request, upload);
  if (length !== size) {
    // Too long can never become right; too short may only have been finished too early.
    if (length > size) await services.uploads.drop(upload.id);
    throw new OciError(400, 'SIZE_INVALID', `The blob must be ${size} bytes long; ${length} came.`);
  }
  try {
    await adopt(services, upload, digest);
  } catch (error) {
    if (error instanceof OciError) await services.uploads.drop(upload.id);
    throw error;
  }
  await services.uploads.drop(upload.id);
  services.onBlob(upload.repository);
  sendText(response, 201, '', { location: `/v2/${upload.repository}/blobs/${digest}`, 'docker-content-digest': digest });
}

/** Appends the request's body; one byte too many ends the upload. */
async function receive({ uploads }: PushServices, request: IncomingMessage, upload: Upload): Promise<number> {
  const tooLong = () => new OciError(413, 'SIZE_INVALID', `No awaited blob is longer than ${upload.maxBytes} bytes.`, { headers: { connection: 'close' } });
  if (upload.offset + Number(request.headers['content-length'] ?? 0) > upload.maxBytes) {
    await uploads.drop(upload.id);
    throw tooLong();
  }
  request.setTimeout(UPLOAD_IDLE_MS, () => request.destroy());
  try {
    return await uploads.append(upload, request);
  } catch (error) {
    if (error instanceof TooLong) {
      await uploads.drop(upload.id);
      throw tooLong();
    }
    throw error;
  }
}

/** Makes a whole upload a blob without copying it: hashed as it came, then renamed into the store. */
async function adopt({ store, uploads }: PushServices, upload: Upload, digest: string): Promise<void> {
  const size = upload.offset;
  if ((await store.size(digest)) === size) return;
  if ((await uploads.digest(upload, 'sha256')) !== digest) throw new OciError(400, 'DIGEST_INVALID', 'The bytes do not have this digest.');
  await store.adopt([{ path: upload.path, digest, size }]);
}

async function keep(store: BlobStore, bytes: Uint8Array, digest: string, size: number): Promise<void> {
  try {
    await store.put(bytes, { digest, size });
  } catch (error) {
    const known = asEdgewrightError(error);
    // What the disk or our own code did wrong is no fault of the bytes.
    if (known.owner === 'machine' || known.owner === 'bug') throw error;
    throw new OciError(400, 'DIGEST_INVALID', 'The bytes do not have this digest.');
  }
}

function expected(deployments: Deployments, model: string, digest: string): number {
  const size = deployments.expectedSize(model, digest);
  if (size === undefined) throw new OciError(403, 'DENIED', 'No accepted deployment of this model awaits this blob.');
  return size;
}

async function largestMissing(deployments: Deployments, store: BlobStore, model: string): Promise<number> {
  let largest: number | undefined;
  for (const deployment of deployments.receiving(model)) {
    for (const { digest, size } of deployments.blobsOf(deployment.id)) {
      if ((largest === undefined || size > largest) && (await store.size(digest)) !== size) largest = size;
    }
  }
  if (largest === undefined) throw new OciError(403, 'DENIED', 'No accepted deployment of this model awaits anything.');
  return largest;
}

function parseDigest(text: string): string {
  const digest = DigestSchema.safeParse(text);
  if (!digest.success) throw new OciError(400, 'DIGEST_INVALID', 'A digest reads sha256: and 64 hex digits.');
  return digest.data;
}

function uploadHeaders(upload: Upload): Record<string, string> {
  return { location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`, range: uploadRange(upload.offset), 'docker-upload-uuid': upload.id };
}

function answerError(response: ServerResponse, error: unknown): void {
  if (error instanceof UploadBusy) return answerError(response, new OciError(429, 'TOOMANYREQUESTS', 'A newer request works on this upload.'));
  if (error instanceof OciError) return sendJson(response, error.status, { errors: [{ code: error.code, message: error.message }] }, error.headers);
  const known = asEdgewrightError(error);
  const status = error instanceof HttpError ? error.status : known.owner === 'machine' ? 507 : 500;
  const headers = error instanceof HttpError ? error.headers : {};
  sendJson(response, status, { errors: [{ code: 'UNKNOWN', message: known.message, detail: known.toBody() }] }, headers);
}
