import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LockPackages, missingOptional } from '../../../boot/complete-lockfile.ts';
import { installError } from '../../../boot/install.cjs';

const root = join(import.meta.dirname, '..', '..', '..');

test('our lockfile holds every optional package for every platform, and names no host', () => {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  expect(Object.keys(missingOptional((JSON.parse(text) as { packages: LockPackages }).packages))).toEqual([]);
  expect(text).not.toContain('"resolved"');
});

test('a missing one is added for the platform in its name', () => {
  const packages: LockPackages = {
    'node_modules/tool': {
      version: '2.0.0',
      dev: true,
      optionalDependencies: { '@tool/binding-linux-arm64-musl': '2.0.0', '@tool/binding-darwin-x64': '2.0.0' },
    },
  };
  expect(missingOptional(packages)).toEqual({
    'node_modules/@tool/binding-linux-arm64-musl': { version: '2.0.0', cpu: ['arm64'], dev: true, libc: ['musl'], optional: true, os: ['linux'] },
    'node_modules/@tool/binding-darwin-x64': { version: '2.0.0', cpu: ['x64'], dev: true, optional: true, os: ['darwin'] },
  });
});

test('one that is there in another version is added beneath the package that asks', () => {
  const packages: LockPackages = {
    'node_modules/@tool/binding-win32-x64': { version: '1.0.0' },
    'node_modules/tool': { version: '2.0.0', optionalDependencies: { '@tool/binding-win32-x64': '2.0.0' } },
  };
  expect(Object.keys(missingOptional(packages))).toEqual(['node_modules/tool/node_modules/@tool/binding-win32-x64']);
});

test.each([
  ['npm error code ENOTFOUND\nnpm error network request failed', 4, /cannot reach its registry/],
  ['npm error code ENOSPC', 6, /disk is full/],
  ['npm error code EACCES', 6, /may not write here/],
  ['npm error code EWHATEVER', 6, /npm said/],
])('a failed install says why: %j', (output, exitCode, message) => {
  const error = installError('dependencies', { output, timedOut: false });
  expect(error.exitCode).toBe(exitCode);
  expect(error.message).toMatch(message);
  expect(error.detail).toBe(output);
});
