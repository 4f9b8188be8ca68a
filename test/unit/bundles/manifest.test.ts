import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parameterSize, precisionOf } from '../../../app/core/bundles/manifest.ts';
import { checkApart, pathProblem } from '../../../app/core/bundles/paths.ts';

test.each([
  [0, undefined],
  [49, undefined],
  [800, '0.8K'],
  [14_822, '14.8K'],
  [1_000_000, '1M'],
  [6_700_000_000, '6.7B'],
  [1.05e12, '1.1T'],
])('%d parameters are written %s', (count, text) => expect(parameterSize(count)).toBe(text));

test('a parameter size has the form ModelPack gives it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 1e15 }), (count) => {
      expect(parameterSize(count)).toMatch(/^\d{1,4}(\.\d)?[KMBTQ]$/);
    }),
  );
});

test.each([
  [{ float32: 100, int64: 1000 }, 'fp32'],
  [{}, 'fp32'],
  [{ float16: 100, float32: 10 }, 'fp16'],
  [{ int8: 100, float32: 10, int32: 50 }, 'int8'],
])('weights %j make %s', (precision, name) => expect(precisionOf({ precision })).toBe(name));

test('paths that could leave, collide or not exist elsewhere are refused', () => {
  for (const path of ['model.onnx', 'a/b/c.bin', 'é.txt', '模型.onnx', '.hidden', 'sub/.git']) expect(pathProblem(path)).toBeUndefined();
  for (const path of [
    '',
    '/a',
    'a//b',
    './a',
    'a/./b',
    '../a',
    'a/../b',
    'a/',
    'a\\b',
    'a\0b',
    'a\nb',
    'C:a',
    'a?',
    'con',
    'x/LPT1.txt',
    'a. ',
    'a.',
    ' a',
    'e\u0301',
    '\ud800',
    '.git',
    '.GitHub/x',
    'model.sig',
    'signer.pub',
    'edgewright.variant.json',
    'x'.repeat(256),
    `${'x/'.repeat(300)}x`,
    'a\u202eb',
  ]) {
    expect(pathProblem(path), JSON.stringify(path)).toBeDefined();
  }
  expect(() => checkApart(['a', 'A'])).toThrow(expect.objectContaining({ code: 'bundle.paths-collide' }));
  expect(() => checkApart(['a', 'a'])).toThrow(expect.objectContaining({ code: 'bundle.paths-collide' }));
  expect(() => checkApart(['a', 'a/b'])).toThrow(expect.objectContaining({ code: 'bundle.paths-collide' }));
  expect(() => checkApart(['a', 'ab', 'b/a'])).not.toThrow();
});

test('an accepted path, joined to a folder, stays in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (path) => {
      if (pathProblem(path) !== undefined) return;
      const inside = new URL(`file:///root/${path.split('/').map(encodeURIComponent).join('/')}`).pathname;
      expect(inside.startsWith('/root/')).toBe(true);
    }),
  );
});
