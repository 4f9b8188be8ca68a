/** The addresses of distribution-spec 1.1 ("Endpoints"), and who answers each. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_RECEIVING } from '../limits.ts';
import { isDigest, isRepositoryName, isTag } from '../names.ts';
import { OciError } from '../oci-error.ts';
import { type Exchange, json } from './answer.ts';
import { beginUpload, deleteBlob, getBlob, onUpload } from './blobs.ts';
import { declaredLength } from './body.ts';
import { listRepositories, listTags } from './lists.ts';
import { deleteManifest, getManifest, listReferrers, putManifest, type Registry } from './manifests.ts';

type Handler = (exchange: Exchange) => Promise<void>;
type Methods = Partial<Record<string, Handler>>;

const UPLOADS = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/;
const CONTENT = /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/]+)$/;
const TAGS = /^\/v2\/(.+)\/tags\/list$/;

export interface RouteOptions extends Registry {
  /** Tags, manifests and blobs may be deleted. */
  allowDelete: boolean;
}

/** @returns the answer to one request; what it throws is a failure to be answered */
export function openRoutes({ repositories, door, allowDelete }: RouteOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  let receiving = 0;

  function methodsOf(path: string): Methods {
    if (path === '/v2/' || path === '/v2') return reading(async (exchange) => json(exchange, 200, {}));
    if (path === '/v2/_catalog') return reading((exchange) => listRepositories(repositories, exchange));
    const [, ofUpload, id] = UPLOADS.exec(path) ?? [];
    if (ofUpload !== undefined && id !== undefined) return uploadMethods(named(ofUpload), id);
    const [, ofTags] = TAGS.exec(path) ?? [];
    if (ofTags !== undefined) return reading((exchange) => listTags(repositories, exchange, named(ofTags)));
    const [, of, kind, reference] = CONTENT.exec(path) ?? [];
    if (of === undefined || reference === undefined) throw new OciError(404, 'UNSUPPORTED', 'A registry has no such address.');
    if (kind === 'referrers') return reading((exchange) => listReferrers(repositories, exchange, named(of), reference));
    return kind === 'blobs' ? blobMethods(named(of), reference) : manifestMethods(named(of), reference);
  }

  function uploadMethods(repository: string, id: string): Methods {
    if (id === '') return { POST: (exchange) => beginUpload(repositories, exchange, repository) };
    const handler: Handler = (exchange) => onUpload(repositories, exchange, repository, id);
    return { GET: handler, PATCH: handler, PUT: handler, DELETE: handler };
  }

  function blobMethods(repository: string, digest: string): Methods {
    if (!isDigest(digest)) throw new OciError(400, 'DIGEST_INVALID', 'A blob is named by its sha256 or sha512 digest.');
    return {
      ...reading((exchange) => getBlob(repositories, exchange, repository, digest)),
      ...(allowDelete && { DELETE: (exchange: Exchange) => deleteBlob(repositories, exchange, repository, digest) }),
    };
  }

  function manifestMethods(repository: string, reference: string): Methods {
    const sound = isTag(reference) || isDigest(reference);
    return {
      // What cannot be a reference is simply not there.
      ...reading((exchange) => getManifest(repositories, exchange, repository, sound ? reference : undefined)),
      PUT: (exchange) => putManifest({ repositories, door }, exchange, repository, reference),
      ...(allowDelete && { DELETE: (exchange: Exchange) => deleteManifest({ repositories, door }, exchange, repository, sound ? reference : undefined) }),
    };
  }

  return async (request, response) => {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    const methods = methodsOf(decoded(path));
    const handler = methods[request.method ?? ''];
    if (!handler)
      throw new OciError(405, 'UNSUPPORTED', 'This address does not take that request here.', { headers: { allow: Object.keys(methods).join(', ') } });
    const exchange = { request, response, query: new URLSearchParams(search) };
    if (declaredLength(request) === 0) return handler(exchange);
    if (receiving >= MAX_RECEIVING) throw new OciError(429, 'TOOMANYREQUESTS', 'Too many uploads at once.', { headers: { 'retry-after': '5' } });
    receiving += 1;
    try {
      await handler(exchange);
    } finally {
      receiving -= 1;
    }
  };
}

function reading(handler: Handler): Methods {
  return { GET: handler, HEAD: handler };
}

function named(repository: string): string {
  if (isRepositoryName(repository)) return repository;
  throw new OciError(400, 'NAME_INVALID', 'This is no name of a repository.');
}

/** Some clients escape the colon of a digest. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new OciError(400, 'NAME_INVALID', 'The address is malformed.');
  }
}
