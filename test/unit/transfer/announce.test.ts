import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { systemClock } from '#core/platform';
import { pushBlob } from '#core/distribution';
import { smallRegistry, trusted } from './small-registry.ts';

test('takes up an upload that the peer gives back when its digest is named', async () => {
  const keys = await trusted();
  const registry = await smallRegistry({ key: keys.key, cert: keys.cert, ca: keys.keyring.caCertificatePem });
  const peer = keys.peer(registry.port);
  try {
    const bytes = randomBytes(5000);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const begun = await peer.request('POST', '/v2/digits/blobs/uploads/');
    const answer = await peer.request('PATCH', String(begun.headers.location), { body: bytes.subarray(0, 3000), headers: { 'content-range': '0-2999' } });
    let asked = '';
    registry.misbehave = (request, response) => {
      if (request.method !== 'POST') return false;
      asked = request.url ?? '';
      response.writeHead(202, { location: String(answer.headers.location), range: String(answer.headers.range), 'content-length': '0' }).end();
      return true;
    };
    const memory = { get: () => undefined, set: () => {}, clear: () => {} };
    const source = { digest, size: bytes.length, open: (start: number, end: number) => Readable.from([bytes.subarray(start, end)]) };
    const result = await pushBlob(peer, source, { repository: 'digits', memory, clock: systemClock, announce: true });
    expect(asked).toContain(encodeURIComponent(digest));
    expect(result.sentBytes).toBe(2000);
    expect(registry.blobs.get(digest)?.equals(bytes)).toBe(true);
  } finally {
    peer.close();
    await registry.stop();
    await keys.clean();
  }
});
