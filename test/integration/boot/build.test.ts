import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import config from '../../../rolldown.config.ts';

const root = join(import.meta.dirname, '..', '..', '..');
// Within the checkout, so that the built heads find node_modules.
mkdirSync(join(root, 'dist'), { recursive: true });
const dir = mkdtempSync(join(root, 'dist', '.test-'));

beforeAll(async () => {
  const heads = (Array.isArray(config) ? config : [config]).find((one) => typeof one.input === 'object');
  if (!heads?.output || Array.isArray(heads.output)) throw new Error('the heads are not built');
  const { output, ...input } = heads;
  const bundle = await rolldown({ ...input, cwd: root });
  await bundle.write({ ...output, dir });
  await bundle.close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('every program that a head starts is built beside it', () => {
  for (const file of [
    'cli/main.js',
    'agent/main.js',
    'engine/main.js',
    'core/onnx/reader-main.js',
    'core/runtime/runner-main.js',
    'core/trials/quantize-main.js',
    'core/hardware/prove-main.js',
    'core/hardware/probe-main.js',
  ]) {
    expect(existsSync(join(dir, file)), file).toBe(true);
  }
});

test('the built command line runs a model in a built runner', () => {
  const edgewright = (...args: string[]) => {
    const env = { ...process.env, EDGEWRIGHT_ROOT: root, EDGEWRIGHT_HOME: join(dir, 'home'), INIT_CWD: root };
    const result = spawnSync(process.execPath, [join(dir, 'cli', 'main.js'), ...args, '--json'], { env, encoding: 'utf8' });
    expect(result.status, result.stdout + result.stderr).toBe(0);
    return JSON.parse(result.stdout) as Record<string, unknown>;
  };
  expect(edgewright('bundle', 'build', 'assets/sample-bundle')).toMatchObject({ name: 'digits', signed: true });
  expect(edgewright('run', 'digits@1.0.0', '--input', 'assets/sample-bundle/examples/digit-7.png')).toHaveProperty('answer.labels.0.label', '7');
});
