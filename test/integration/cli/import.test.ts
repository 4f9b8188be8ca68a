/** `edgewright import`: bare models, and what is said of files that must be converted. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cli } from '../../lib/cli.ts';

/** The command with --json: its exit code and its document. */
async function edgewright(args: string[], options: { home: string; env?: Record<string, string> }) {
  const run = await cli([...args, '--json'], options);
  return { code: run.code, json: run.json() as Record<string, unknown> };
}

const dir = mkdtempSync(join(tmpdir(), 'edgewright-import-'));
const home = join(dir, 'home');
const model = join(import.meta.dirname, '..', '..', 'fixtures', 'digits', 'model.onnx');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('a bare model', () => {
  it('becomes a signed bundle named after its file', async () => {
    copyFileSync(model, join(dir, 'Pump Station (final).onnx'));
    const { code, json } = await edgewright(['import', join(dir, 'Pump Station (final).onnx')], { home });
    expect(code).toBe(0);
    expect(json).toMatchObject({ ok: true, name: 'pump-station-final', version: '1.0.0', signed: true, state: 'sound' });
    expect(json.warnings).toContainEqual(expect.objectContaining({ code: 'bundle.no-golden' }));
  });

  it('is called what the person says', async () => {
    expect((await edgewright(['import', model, '--as', 'pump@2.1.0'], { home })).json).toMatchObject({ name: 'pump', version: '2.1.0' });
  });

  it('that is unsound is refused, and nothing is stored', async () => {
    writeFileSync(join(dir, 'broken.onnx'), Buffer.from([8, 10, 0x3a, 0xff]));
    expect((await edgewright(['import', join(dir, 'broken.onnx'), '--as', 'broken@1.0.0'], { home })).code).toBe(2);
    expect((await edgewright(['bundle', 'show', 'broken@1.0.0'], { home })).code).toBe(64);
  });
});

describe('whatever a person has', () => {
  it('an exported bundle comes back by the same command, under both its names', async () => {
    const file = join(dir, 'pump.tar');
    expect((await edgewright(['bundle', 'export', 'pump@2.1.0', file], { home })).code).toBe(0);
    for (const [at, command] of [['import'], ['bundle', 'import']].entries()) {
      const other = join(dir, `other-${at}`);
      const { code, json } = await edgewright([...command, file], { home: other });
      // Another workspace signed it, so it is kept and not used.
      expect({ code, json }).toMatchObject({ code: 5, json: { name: 'pump', version: '2.1.0', state: 'quarantined' } });
    }
    expect((await edgewright(['import', file], { home })).json).toMatchObject({ ok: true, state: 'sound' });
  });

  it('a folder with edgewright.yaml is built', async () => {
    const sample = join(import.meta.dirname, '..', '..', '..', 'assets', 'sample-bundle');
    expect((await edgewright(['bundle', 'import', sample], { home })).json).toMatchObject({ ok: true, name: 'digits', signed: true });
  });
});

describe('a framework’s file', () => {
  const pickle = join(dir, 'model.pkl');
  writeFileSync(pickle, Buffer.from([0x80, 0x05, 0x4b, 0x01, 0x2e]));

  it('is not read until the person trusts it', async () => {
    const { code, json } = await edgewright(['import', pickle], { home });
    expect({ code, error: json.error }).toMatchObject({ code: 64, error: { code: 'convert.trust-needed' } });
  });

  it('without uv, says exactly what to run elsewhere', async () => {
    const { code, json } = await edgewright(['import', pickle, '--trust-source'], { home, env: { EDGEWRIGHT_UV: '/no/such/uv' } });
    expect({ code, error: json.error }).toMatchObject({ code: 6, error: { code: 'convert.no-uv' } });
    const hint = String((json.error as { hint?: string }).hint);
    expect(hint).toContain('requirements/sklearn.txt');
    expect(hint).toContain('--require-hashes --only-binary :all:');
    expect(hint).toContain('export_sklearn.py');
  });

  it('is not written over what is there', async () => {
    mkdirSync(join(dir, 'taken'));
    const { code, json } = await edgewright(['import', pickle, '--trust-source', '--output', join(dir, 'taken')], { home });
    expect({ code, error: json.error }).toMatchObject({ code: 64, error: { code: 'usage.output-taken' } });
  });

  it.each([
    ['notes.txt', 'hello', 64, 'usage.not-a-model'],
    ['none.onnx', undefined, 64, 'convert.missing-file'],
  ])('%s is nothing to import', async (name, content, code, error) => {
    if (content !== undefined) writeFileSync(join(dir, name), content);
    const result = await edgewright(['import', join(dir, name)], { home });
    expect({ code: result.code, error: result.json.error }).toMatchObject({ code, error: { code: error } });
  });

  it('a name that is none is refused', async () => {
    expect((await edgewright(['import', model, '--as', 'Not A Name'], { home })).json.error).toMatchObject({ code: 'usage.bundle-name' });
  });
});
