/**
 * Real conversions by the frameworks' own exporters. Needs uv (EDGEWRIGHT_UV or on the path), Python 3.12 for it, and the
 * pinned wheels in its cache or a registry; says so when there is no uv.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, ROOT } from '../../lib/cli.ts';

const uv = process.env.EDGEWRIGHT_UV ?? 'uv';
const there = (() => {
  try {
    execFileSync(uv, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const dir = mkdtempSync(join(tmpdir(), 'edgewright-convert-'));
const home = join(dir, 'home');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What uv needs of this environment passes through; see app/core/convert/uv.ts. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(UV_|SSL_CERT|HOME$|EDGEWRIGHT_UV$)/.test(name))) as Record<string, string>;

async function take(path: string, name: string) {
  const run = await cli(['import', path, '--as', `${name}@1.0.0`, '--trust-source', '--json'], { home, env });
  return { code: run.code, json: run.json() as Record<string, unknown>, stderr: run.stderr };
}

const SOURCES = `
import pickle, numpy as np, joblib
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
x = np.random.default_rng(0).normal(size=(200, 5)).astype('f4')
y = (x.sum(1) > 0).astype(int)
pickle.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y), open('pipeline.pkl', 'wb'))
joblib.dump(Ridge().fit(x, x @ np.arange(5)), 'ridge.joblib', compress=3)
class Steals:
    def __reduce__(self):
        return (exec, ("import os, shutil\\nfor d in (os.path.expanduser('~'), '/home', '/root', 'FOLDER'):\\n  try: print('SEEN', d, os.listdir(d))\\n  except OSError: pass", {}))
pickle.dump(Steals(), open('steals.pkl', 'wb'))
class Plants:
    def __reduce__(self):
        return (exec, ("import os\\nos.symlink('/etc/passwd', '/out/model.onnx')\\nopen('/out/report.json', 'w').write('{}')\\nos._exit(0)", {}))
pickle.dump(Plants(), open('plants.pkl', 'wb'))
`;

describe.skipIf(!there)(`conversions${there ? '' : ': skipped, there is no uv (EDGEWRIGHT_UV names one)'}`, () => {
  beforeAll(() => {
    mkdirSync(home);
    const environment = join(dir, 'environment');
    const options = { cwd: dir, env: { PATH: process.env.PATH ?? '', ...env }, stdio: 'ignore' as const };
    execFileSync(uv, ['venv', '--python', process.env.UV_PYTHON ?? '3.12', environment], options);
    const requirements = join(ROOT, 'assets', 'converters', 'requirements', 'sklearn.txt');
    execFileSync(uv, ['pip', 'install', '--python', join(environment, 'bin', 'python'), '--require-hashes', '-r', requirements], options);
    writeFileSync(join(dir, 'sources.py'), SOURCES.replace('FOLDER', dir));
    execFileSync(join(environment, 'bin', 'python'), ['sources.py'], options);
  }, 600_000);

  it.each([
    ['pipeline.pkl', 'scikit-learn estimator (pickle)'],
    ['ridge.joblib', 'scikit-learn estimator (pickle)'],
  ])('%s keeps the golden set that scikit-learn itself computed', async (name, converted) => {
    const { code, json, stderr } = await take(join(dir, name), name.replace('.', '-'));
    expect(code, stderr).toBe(0);
    expect(json).toMatchObject({ converted, state: 'sound', signed: true });
    expect((json.files as { role: string }[]).map((file) => file.role)).toContain('golden');
  });

  it('code in a file sees nothing of this computer, and plants nothing', async () => {
    const stealing = await take(join(dir, 'steals.pkl'), 'steals');
    expect(stealing.code).toBe(2);
    expect(JSON.stringify(stealing)).not.toContain('SEEN');
    const planting = await take(join(dir, 'plants.pkl'), 'plants');
    expect(planting.json.error).toMatchObject({ code: 'convert.strange-result' });
    expect((await cli(['bundle', 'list', '--json'], { home })).stdout).not.toMatch(/steals|plants/);
    expect(readdirSync(join(home, 'temp'))).toEqual([]);
  });

  const fixtures = join(ROOT, '..', 'shared', 'fixtures');
  it.skipIf(!existsSync(fixtures))('TensorFlow Lite models of the fixtures', async () => {
    for (const name of ['digits_cnn_keras_tflite_float', 'digits_cnn_keras_tflite_int8']) {
      const { code, stderr } = await take(join(fixtures, name, 'model.tflite'), name);
      expect(code, stderr).toBe(0);
    }
  });
});
