import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sourceKind } from '#core/convert';

const dir = mkdtempSync(join(tmpdir(), 'edgewright-kind-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

/** A stand-in for an archive: its magic at the beginning, the names of its entries at the end, where a ZIP lists them. */
const zip = (...names: string[]) => Buffer.from(`PK\x03\x04${'\0'.repeat(100)}${names.join('\0')}`, 'latin1');

describe('what a file is, told by its content', () => {
  it.each([
    ['a.bin', Buffer.from('\x1c\0\0\0TFL3\0\0', 'latin1'), 'tflite'],
    ['a.onnx', Buffer.from('\x89HDF\r\n\x1a\n\0\0', 'latin1'), 'tensorflow'],
    ['a.keras', zip('metadata.json', 'config.json', 'model.weights.h5'), 'tensorflow'],
    ['a.pt2', zip('net/models/model.json', 'net/archive_format', 'net/archive_version'), 'torch'],
    ['model.txt', 'tree\nversion=v4\nnum_class=1\n', 'lightgbm'],
    ['model.json', '{"learner":{"attributes":{}},"version":[3,2,0]}', 'xgboost'],
    ['model.ubj', Buffer.from('{L\0\0\0\0\0\0\0\x07learner{', 'latin1'), 'xgboost'],
    ['model.pkl', Buffer.from([0x80, 0x05, 0x95, 0, 0]), 'sklearn'],
    ['model.joblib', Buffer.from([0x78, 0x9c, 1, 2]), 'sklearn'],
  ])('%s', async (name, content, exporter) => {
    expect((await sourceKind(file(name, content)))?.exporter).toBe(exporter);
  });

  it('a SavedModel is a folder', async () => {
    mkdirSync(join(dir, 'saved'));
    writeFileSync(join(dir, 'saved', 'saved_model.pb'), 'x');
    expect(await sourceKind(join(dir, 'saved'))).toMatchObject({ exporter: 'tensorflow' });
  });

  it.each([
    ['an ONNX model', 'm.onnx', Buffer.from([8, 10, 18, 7])],
    ['any JSON', 'x.json', '{"name": "x"}'],
    ['any archive', 'x.zip', zip('a.txt')],
    ['nothing', 'empty', ''],
  ])('%s is none of them', async (_what, name, content) => {
    expect(await sourceKind(file(name, content))).toBeUndefined();
  });

  it('weights without a graph are refused with what to do', async () => {
    await expect(sourceKind(file('w.pt', zip('w/data.pkl', 'w/data/0')))).rejects.toMatchObject({ code: 'convert.no-graph', owner: 'input' });
    await expect(sourceKind(file('old.pth', Buffer.from([0x80, 0x02, 0x8a])))).rejects.toMatchObject({ code: 'convert.no-graph' });
    mkdirSync(join(dir, 'hf'));
    writeFileSync(join(dir, 'hf', 'config.json'), '{}');
    writeFileSync(join(dir, 'hf', 'model.safetensors'), 'x');
    await expect(sourceKind(join(dir, 'hf'))).rejects.toMatchObject({ code: 'convert.hugging-face' });
  });

  it('what is not there is the person’s', async () => {
    await expect(sourceKind(join(dir, 'none'))).rejects.toMatchObject({ owner: 'usage' });
  });
});
