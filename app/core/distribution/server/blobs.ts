/** Blobs: fetched whole or in part, uploaded at once or in pieces, mounted, deleted. */
import { stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { MAX_BLOB_BYTES } from '#core/bundles';
import { SPACE_LOOK_BYTES } from '../limits.ts';
import { digestWith, isDigest, isRepositoryName } from '../names.ts';
import { OciError } from '../oci-error.ts';
import { parseChunkRange, parseRange, uploadRange } from '../ranges.ts';
import type { Repositories } from '../repositories.ts';
import { TooLong, type Upload, UploadBusy } from '../uploads.ts';
import { empty, type Exchange, head, type Headers } from './answer.ts';
import { declaredLength, receive, sendFile } from './body.ts';
import { checkSpace } from './space.ts';

const EMPTY = [digestWith('sha256', new Uint8Array()), digestWith('sha512', new Uint8Array())];

export async function getBlob(repositories: Repositories, exchange: Exchange, repository: string, digest: string): Promise<void> {
  const { request, response } = exchange;
  const blob = await repositories.blob(repository, digest);
  const path = blob && repositories.path(blob);
  const size = path === undefined ? undefined : (await stat(path).catch(() => undefined))?.size;
  if (!blob || path === undefined || size === undefined) throw await blobUnknown(repositories, repository);
  const etag = `"${digest}"`;
  const headers: Headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag,
  };
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, size) : undefined;
  if (request.method === 'HEAD') return empty(response, 200, { ...headers, 'content-length': size });
  if (range === 'unsatisfiable') {
    throw new OciError(416, 'SIZE_INVALID', `The blob has ${size} bytes.`, { headers: { 'content-range': `bytes */${size}` } });
  }
  if (range) {
    const part = { 'content-range': `bytes ${range.start}-${range.end}/${size}`, 'content-length': range.end - range.start + 1 };
    head(response, 206, { ...headers, ...part });
    return sendFile(response, path, range);
  }
  if (size === 0) return empty(response, 200, headers);
  head(response, 200, { ...headers, 'content-length': size });
  return sendFile(response, path, { start: 0, end: size - 1 });
}

async function blobUnknown(repositories: Repositories, repository: string): Promise<OciError> {
  return (await repositories.knows(repository))
    ? new OciError(404, 'BLOB_UNKNOWN', 'The repository has no such blob.')
    : new OciError(404, 'NAME_UNKNOWN', 'There is no such repository.');
}

/** POST: begins an upload, takes a whole blob (`digest`), or mounts one (`mount`). */
export async function beginUpload(repositories: Repositories, exchange: Exchange, repository: string): Promise<void> {
  const { response, query } = exchange;
  const mount = query.get('mount');
  if (mount !== null) {
    const from = query.get('from') ?? undefined;
    if (!isDigest(mount)) throw digestInvalid();
    if (from !== undefined && !isRepositoryName(from)) throw new OciError(400, 'NAME_INVALID', 'This names no repository to mount from.');
    if (await repositories.mount(repository, mount, from)) return created(response, repository, mount);
  }
  const digest = query.get('digest');
  if (digest !== null && !isDigest(digest)) throw digestInvalid();
  await checkSpace(repositories.dir, declaredLength(exchange.request) ?? 0);
  const upload = await repositories.uploads.begin({ repository, maxBytes: MAX_BLOB_BYTES });
  if (!upload) throw new OciError(429, 'TOOMANYREQUESTS', 'Too many uploads are open.', { headers: { 'retry-after': '60' } });
  // Whoever announces a digest and sends nothing goes on with a PUT, as where single requests are not taken.
  if (digest === null || (declaredLength(exchange.request) === 0 && !EMPTY.includes(digest))) return empty(response, 202, uploadHeaders(upload));
  await withUpload(repositories, repository, upload.id, async (own) => {
    await append(repositories, exchange, own);
    await repositories.finishUpload(own, digest);
  }).catch(async (error: unknown) => {
    // Nobody was told its address.
    await repositories.uploads.exclusive(upload.id, () => repositories.uploads.drop(upload.id)).catch(() => {});
    throw error;
  });
  created(response, repository, digest);
}

/** GET, PATCH, PUT and DELETE on an upload's address. */
export async function onUpload(repositories: Repositories, exchange: Exchange, repository: string, id: string): Promise<void> {
  const { request, response, query } = exchange;
  return withUpload(repositories, repository, id, async (upload, signal) => {
    // A newer request for this upload shows that this one's connection is half dead.
    signal.addEventListener('abort', () => request.destroy(), { once: true });
    if (request.method === 'GET') return empty(response, 204, uploadHeaders(upload));
    if (request.method === 'DELETE') {
      await repositories.uploads.drop(id);
      return empty(response, 204);
    }
    if (request.method === 'PATCH') {
      await append(repositories, exchange, upload);
      return empty(response, 202, uploadHeaders(upload));
    }
    const digest = query.get('digest') ?? '';
    if (!isDigest(digest)) throw digestInvalid();
    await append(repositories, exchange, upload);
    await repositories.finishUpload(upload, digest);
    return created(response, repository, digest);
  });
}

async function withUpload(
  { uploads }: Repositories,
  repository: string,
  id: string,
  work: (upload: Upload, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await uploads.exclusive(id, async (upload, signal) => {
      if (upload?.repository !== repository) throw new OciError(404, 'BLOB_UPLOAD_UNKNOWN', 'This upload is unknown or has expired.');
      await work(upload, signal);
    });
  } catch (error) {
    if (error instanceof UploadBusy) throw new OciError(429, 'TOOMANYREQUESTS', 'Another request works on this upload.', { headers: { 'retry-after': '1' } });
    throw error;
  }
}

/** Adds the request's body to the upload; what is out of order is not read. */
async function append(repositories: Repositories, { request }: Exchange, upload: Upload): Promise<void> {
  const length = declaredLength(request);
  const said = request.headers['content-range'];
  if (said !== undefined) {
    const range = parseChunkRange(said);
    if (!range) throw new OciError(400, 'BLOB_UPLOAD_INVALID', 'A Content-Range reads START-END.');
    if (range.start !== upload.offset) {
      throw new OciError(416, 'BLOB_UPLOAD_INVALID', `The upload has ${upload.offset} bytes; go on from there.`, { headers: uploadHeaders(upload) });
    }
    if (length !== undefined && length !== range.end - range.start + 1) {
      throw new OciError(400, 'SIZE_INVALID', 'The body does not have the length its Content-Range says.');
    }
  }
  if (length === 0) return;
  if (length !== undefined && upload.offset + length > upload.maxBytes) throw tooLong(upload);
  await checkSpace(repositories.dir, length ?? 0);
  try {
    await repositories.uploads.append(upload, withinSpace(repositories, receive(request)));
  } catch (error) {
    if (error instanceof TooLong) {
      await repositories.uploads.drop(upload.id);
      throw tooLong(upload);
    }
    throw error;
  }
}

/** Looks now and then whether the disk still has room, so that a stranger's upload never fills it up. */
async function* withinSpace(repositories: Repositories, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let unlooked = 0;
  for await (const chunk of source) {
    unlooked += chunk.length;
    if (unlooked >= SPACE_LOOK_BYTES) {
      await checkSpace(repositories.dir, 0);
      unlooked = 0;
    }
    yield chunk;
  }
}

function tooLong(upload: Upload): OciError {
  return new OciError(413, 'SIZE_INVALID', `A blob has at most ${upload.maxBytes} bytes.`);
}

function digestInvalid(): OciError {
  return new OciError(400, 'DIGEST_INVALID', 'A digest reads sha256: or sha512: and its hex digits.');
}

function uploadHeaders(upload: Upload): Record<string, string> {
  return { location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`, range: uploadRange(upload.offset), 'docker-upload-uuid': upload.id };
}

function created(response: ServerResponse, repository: string, digest: string): void {
  empty(response, 201, { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest });
}

export async function deleteBlob(repositories: Repositories, { response }: Exchange, repository: string, digest: string): Promise<void> {
  if (!(await repositories.removeBlob(repository, digest))) throw await blobUnknown(repositories, repository);
  empty(response, 202);
}
