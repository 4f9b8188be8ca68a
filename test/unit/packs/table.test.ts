import { describe, expect, test } from 'vitest';
import { driverServes, findPack, packBytes, PACKS } from '#core/packs';

const [cuda] = PACKS;
if (!cuda) throw new Error('there is no pack');

describe('the table of packs', () => {
  test('a driver is compared part by part, as numbers: NVIDIA writes leading zeros', () => {
    const pack = { ...cuda, driver: { ...cuda.driver, atLeast: '580.65.06' } };
    for (const enough of ['580.65.06', '580.65.6', '580.82', '590', '1000.1']) expect(driverServes(pack, enough), enough).toBe(true);
    for (const old of ['580.65.05', '580.65', '570.211.01', '99.99']) expect(driverServes(pack, old), old).toBe(false);
  });

  test('a pack is for one ONNX Runtime on one kind of machine', () => {
    const machine = { onnxruntime: cuda.onnxruntime, platform: cuda.platform, arch: cuda.arch };
    expect(findPack(PACKS, 'cuda', machine)).toBe(cuda);
    for (const other of [{ onnxruntime: '1.29.0' }, { platform: 'win32' }, { arch: 'arm64' }])
      expect(findPack(PACKS, 'cuda', { ...machine, ...other })).toBeUndefined();
  });

  test('every wheel is known by its hash, and no library is named twice', () => {
    for (const wheel of cuda.wheels) expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
    const libraries = cuda.wheels.flatMap((wheel) => Object.keys(wheel.libraries));
    expect(new Set(libraries).size).toBe(libraries.length);
    expect(libraries).toEqual(
      expect.arrayContaining(['libonnxruntime_providers_cuda.so', 'libcublasLt.so.13', 'libcudnn.so.9', 'libcurand.so.10', 'libcudart.so.13']),
    );
    expect(packBytes(cuda).installed).toBeGreaterThan(packBytes(cuda).download);
  });
});
