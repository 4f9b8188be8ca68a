import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, readFrames, writeFrame } from '#core/platform';

/** Feeds `bytes` to a reader in pieces of the given sizes. */
function read(bytes: Buffer, sizes: readonly number[]): { frames: Frame[]; error: Error | undefined } {
  const stream = new PassThrough();
  const frames: Frame[] = [];
  let error: Error | undefined;
  readFrames(
    stream,
    (frame) => frames.push(frame),
    (e) => {
      error = e;
    },
  );
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    stream.emit('data', bytes.subarray(at, at + size));
    at += size;
  }
  return { frames, error };
}

async function written(frames: readonly { header: unknown; bodies: Uint8Array[] }[]): Promise<Buffer> {
  const out = new PassThrough();
  const chunks: Buffer[] = [];
  out.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const frame of frames) await writeFrame(out, frame.header, frame.bodies);
  out.end();
  return Buffer.concat(chunks);
}

describe('frames on a pipe', () => {
  test('arrive whole and in order, however the pipe cuts them', async () => {
    const frame = fc.record({
      header: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())),
      bodies: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }), async (frames, sizes) => {
        const { frames: got, error } = read(await written(frames), sizes);
        expect(error).toBeUndefined();
        expect(got.map((f) => f.header)).toEqual(frames.map((f) => JSON.parse(JSON.stringify(f.header)) as unknown));
        expect(got.map((f) => f.body.toString('hex'))).toEqual(frames.map((f) => Buffer.concat(f.bodies).toString('hex')));
      }),
      { numRuns: 60 },
    );
  });

  test('a length beyond the bound breaks the stream before anything is allocated', () => {
    const prefix = Buffer.alloc(8);
    prefix.writeUInt32LE(0xffffffff, 0);
    expect(read(prefix, [8]).error?.message).toContain('frame of 4294967295');
  });

  test('a header that is not JSON is an error, not a crash', () => {
    const prefix = Buffer.alloc(8);
    prefix.writeUInt32LE(3, 0);
    expect(read(Buffer.concat([prefix, Buffer.from('{x}')]), [4]).error).toBeInstanceOf(Error);
  });
});
