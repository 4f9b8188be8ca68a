/** Requests as no honest program writes them: refused or cut off, never read as another than they are, and nobody else notices. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256, testRegistry, type TestRegistry } from '../../integration/distribution/registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await testRegistry({ allowDelete: true });
});
afterAll(() => registry.remove());

/** Sends bytes as they are. @returns all that is answered until it closes or is silent for a moment */
async function raw(text: string): Promise<string> {
  const socket = connect(registry.port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.setTimeout(1_500, () => socket.destroy());
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

const statusesOf = (answer: string) => [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
const HOST = () => `Host: 127.0.0.1:${registry.port}\r\n`;
/** What must never be taken for a request of its own. */
const HIDDEN = () => `PUT /v2/smuggled/manifests/x HTTP/1.1\r\n${HOST()}Content-Length: 0\r\n\r\n`;
const POST = () => `POST /v2/a/blobs/uploads/?digest=${sha256('x')} HTTP/1.1\r\n${HOST()}`;

test.each<[string, () => string]>([
  ['a length and chunks', () => `${POST()}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN()}`],
  ['two lengths', () => `${POST()}Content-Length: 0\r\nContent-Length: ${HIDDEN().length}\r\n\r\n${HIDDEN()}`],
  ['a length with a sign', () => `${POST()}Content-Length: +${HIDDEN().length}\r\n\r\n${HIDDEN()}`],
  ['a length in hexadecimal', () => `${POST()}Content-Length: 0x10\r\n\r\n${HIDDEN()}`],
  ['an encoding that is none', () => `${POST()}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN()}`],
  ['an encoding after chunks', () => `${POST()}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN()}`],
  ['an encoding with a blank before its colon', () => `${POST()}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${HIDDEN()}`],
  ['a header that is folded', () => `${POST()}X: a\r\n Content-Length: 5\r\n\r\n${HIDDEN()}`],
  ['a chunk whose size is none', () => `${POST()}Transfer-Encoding: chunked\r\n\r\n-1\r\n${HIDDEN()}`],
  ['a chunk longer than any', () => `${POST()}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n${HIDDEN()}`],
  ['lines that end in a line feed only', () => `POST /v2/a/blobs/uploads/ HTTP/1.1\n${HOST().trim()}\nContent-Length: 3\n\nabc${HIDDEN()}`],
  ['a NUL in a header', () => `GET /v2/ HTTP/1.1\r\n${HOST()}X: a\0b\r\n\r\n`],
  ['no Host', () => 'GET /v2/ HTTP/1.1\r\n\r\n'],
  ['a version before there were headers', () => 'GET /v2/\r\n\r\n'],
  ['the beginning of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a method that is none', () => `SMUGGLE /v2/ HTTP/1.1\r\n${HOST()}\r\n`],
  ['too many headers to read', () => `GET /v2/ HTTP/1.1\r\n${HOST()}${'X: y\r\n'.repeat(5_000)}\r\n`],
  ['a path without end', () => `GET /v2/${'a'.repeat(30_000)} HTTP/1.1\r\n${HOST()}\r\n`],
])('%s', async (_what, text) => {
  const statuses = statusesOf(await raw(text()));
  // At most one answer, and one that refuses; what follows is no request.
  expect(statuses.length).toBeLessThanOrEqual(1);
  expect(statuses.every((status) => status >= 400)).toBe(true);
  expect((await registry.http('GET', '/v2/smuggled/tags/list')).status).toBe(404);
  expect((await registry.http('GET', '/v2/')).status).toBe(200);
});

test.each([
  ['GET', 'http://evil.example/v2/', 404],
  ['GET', '/v2/a/../../../etc/passwd/blobs/x', 400],
  ['GET', '/v2/a%2F..%2F..%2Fb/tags/list', 400],
  ['GET', '/v2/a/blobs/sha256:%2e%2e%2f%2e%2e%2fetc%2fpasswd', 404],
  ['GET', '/v2/a/blobs/sha256:../../../../etc/passwd', 404],
  ['GET', '/v2/a%00/tags/list', 400],
  ['GET', '/v2/a/manifests/x%0d%0aSet-Cookie:%20a=b', 404],
  ['PATCH', '/v2/a/blobs/uploads/..%2f..%2findex.json', 404],
  ['PUT', `/v2/a/blobs/uploads/..?digest=${sha256('x')}`, 404],
  ['GET', '/v2/a/blobs/uploads/.', 404],
  ['DELETE', '/v2/a/blobs/uploads/new-x', 404],
  ['DELETE', '/v2/a/blobs/uploads/%00', 404],
  ['POST', '/v2/a/blobs/uploads/?mount=../../x&from=b', 400],
  ['POST', `/v2/a/blobs/uploads/?mount=${sha256('x')}&from=../../b`, 400],
  ['GET', '/v2/a/referrers/sha256:..%2f..', 404],
])('%s %s is answered with %i and nothing of its words in a header', async (method, path, status) => {
  const answer = await raw(`${method} ${path} HTTP/1.1\r\n${HOST()}Content-Length: 0\r\nConnection: close\r\n\r\n`);
  expect(statusesOf(answer)).toEqual([status]);
  const [head = ''] = answer.split('\r\n\r\n');
  expect(head).not.toMatch(/set-cookie|passwd|evil/i);
});
