/** External data that leads astray: what is no file of the model's folder is neither read nor waited for. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkStructure, makeTensor, serializeModel, type TensorProto } from '#core/onnx';
import { small } from '../../unit/onnx/models.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edgewright-external-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const onPosix = process.platform !== 'win32';

const outside = (name: string, place: Partial<Record<'location' | 'offset' | 'length', string>>): TensorProto => ({
  ...makeTensor(name, 'float32', [4, 3], new Float32Array()),
  rawData: undefined,
  dataLocation: 1,
  externalData: Object.entries(place).map(([key, value]) => ({ key, value })),
});

async function check(...tensors: TensorProto[]) {
  const path = join(dir, 'model.onnx');
  writeFileSync(path, await serializeModel(small({ initializers: tensors })));
  return checkStructure(path);
}
const at = (location: string, more: { offset?: string; length?: string } = {}) => check(outside('w', { location, ...more }));

describe('names', () => {
  it.each(['/etc/passwd', '../w.bin', 'a/../../w.bin', 'C:\\w.bin', '..\\w.bin', 'w\0.bin', 'CON', 'aux.bin', 'sub/nul', 'w.bin.', 'w.bin ', 'w.bin:stream'])(
    '%j is refused',
    async (location) => {
      mkdirSync(join(dir, 'a'));
      await expect(at(location)).rejects.toMatchObject({ code: 'model.external-outside', message: expect.stringContaining("'w'") });
    },
  );

  it('a file in a folder beside the model is taken', async () => {
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'sub', 'w.bin'), Buffer.alloc(48));
    expect((await at('./sub/w.bin')).warnings).toEqual([]);
  });
});

describe.runIf(onPosix)('what is no file', () => {
  it('a pipe, a folder, a device by a link, and a link out of the folder', async () => {
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    symlinkSync('/dev/zero', join(dir, 'device'));
    symlinkSync('/etc/passwd', join(dir, 'link'));
    mkdirSync(join(dir, 'folder'));
    await expect(at('pipe')).rejects.toMatchObject({ code: 'model.external-not-a-file' });
    await expect(at('folder')).rejects.toMatchObject({ code: 'model.external-not-a-file' });
    await expect(at('device')).rejects.toMatchObject({ code: 'model.external-outside' });
    await expect(at('link')).rejects.toMatchObject({ code: 'model.external-outside' });
  });

  it('a model that is a pipe is not waited for', async () => {
    execFileSync('mkfifo', [join(dir, 'model.onnx')]);
    await expect(checkStructure(join(dir, 'model.onnx'))).rejects.toMatchObject({ code: 'usage.not-a-file' });
  });
});

describe('ranges', () => {
  it.each([
    ['-1', undefined, 'model.external-range'],
    ['1e3', undefined, 'model.external-range'],
    ['9223372036854775807', '48', 'model.external-range'],
    ['9007199254740991', '48', 'model.external-short'],
    ['1', '48', 'model.external-short'],
    ['0', '47', 'model.external-length'],
  ])('offset %s, length %s', async (offset, length, code) => {
    writeFileSync(join(dir, 'w.bin'), Buffer.alloc(48));
    await expect(at('w.bin', { offset, ...(length !== undefined && { length }) })).rejects.toMatchObject({ code });
  });

  it('tensors may share all their elements; sharing a part is said, and sharing over and over refused', async () => {
    writeFileSync(join(dir, 'w.bin'), Buffer.alloc(96));
    const [w, same, part] = [outside('w', { location: 'w.bin' }), outside('s', { location: 'w.bin' }), outside('p', { location: 'w.bin', offset: '24' })];
    expect((await check(w, same)).warnings).toEqual([]);
    expect((await check(w, part)).warnings).toMatchObject([{ code: 'external.overlap', message: expect.stringMatching(/'w' and 'p'/) }]);
    const many = Array.from({ length: 13 }, (_, i) => outside(`m${i}`, { location: 'w.bin', offset: String(4 * i) }));
    await expect(check(w, ...many)).rejects.toMatchObject({ code: 'model.external-overlap' });
  });

  it.runIf(onPosix)('a file with holes is not read through: it takes no disk, and must not take minutes', async () => {
    writeFileSync(join(dir, 'w.bin'), '');
    truncateSync(join(dir, 'w.bin'), 2 ** 40);
    const huge = { ...outside('huge', { location: 'w.bin' }), dims: [2n ** 38n] };
    writeFileSync(join(dir, 'v.bin'), Buffer.alloc(48));
    const { warnings, storedBytes } = await check(outside('w', { location: 'v.bin' }), huge);
    expect(warnings.map((warning) => warning.code)).toEqual(['weights.not-read']);
    expect(storedBytes).toBeLessThan(1e6);
  });
});
