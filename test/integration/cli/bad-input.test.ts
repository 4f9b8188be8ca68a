/** Every kind of bad input: one clear error that says what to do, the right exit code, nothing half done. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const SAMPLE = join(ROOT, 'assets', 'sample-bundle');

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let home: string;
beforeAll(async () => {
  work = await throwAwayDir('cli');
  home = join(work.dir, 'home');
  await mkdir(home);
  // The workspace is made once here: what these tests are about is bad input, not who comes first.
  const first = await cli(['bundle', 'list', '--json'], { home });
  expect(first.code, `${first.stdout}${first.stderr}`).toBe(0);
});
afterAll(() => work.remove());

/** Checks the form every failure has, for people and for scripts. */
async function fails(args: readonly string[], code: number, errorCode: RegExp, options: { home?: string; input?: string } = {}): Promise<void> {
  const [human, script] = await Promise.all([cli(args, { home, ...options }), cli([...args, '--json'], { home, ...options })]);
  expect({ code: human.code, stdout: human.stdout }, human.stderr).toEqual({ code, stdout: '' });
  expect(human.stderr.trim().length).toBeGreaterThan(10);
  expect(human.stderr).not.toMatch(/\bat .*\.ts:\d+|Error:/);
  expect(script.code, `${script.stdout}${script.stderr}`).toBe(code);
  expect(script.json()).toMatchObject({
    ok: false,
    error: { code: expect.stringMatching(errorCode) as string, message: expect.any(String) as string, owner: expect.any(String) as string },
  });
}

describe('bad input', () => {
  test('an unknown command', () => fails(['fly'], 64, /^usage/));
  test('an unknown option', () => fails(['bundle', 'list', '--fly'], 64, /^usage/));
  test('a missing argument', () => fails(['bundle', 'show'], 64, /^usage/));
  test('a missing model file', () => fails(['check', join(work.dir, 'none.onnx')], 64, /^usage\.missing-file/));
  test('a missing input file', async () => {
    await fails(['run', join(ROOT, 'test/fixtures/digits/model.onnx'), '--input', join(work.dir, 'none.png')], 64, /^usage\.missing-file/);
  });
  test('an output in a folder that is not there, or in the place of something else', async () => {
    const [model, input] = [join(ROOT, 'test/fixtures/digits/model.onnx'), join(ROOT, 'test/fixtures/digits/golden.npz')];
    const nowhere = join(work.dir, 'nowhere', 'out');
    await fails(['run', model, '--input', input, '--output', nowhere], 64, /^usage\.missing-folder/);
    await fails(['quantize', model, '--variant', 'int8-dynamic', '--output', nowhere], 64, /^usage\.missing-folder/);
    await fails(['run', model, '--input', input, '--output', work.dir], 64, /^usage\.not-a-file/);
    if (process.platform === 'win32') return;
    // Renaming over it would work for an administrator, and end it for everybody.
    const pipe = join(work.dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await fails(['run', model, '--input', input, '--output', pipe], 64, /^usage\.not-a-file/);
    await fails(['quantize', model, '--variant', 'int8-dynamic', '--output', pipe], 64, /^usage\.not-a-file/);
  });
  test('a reference that is not there', () => fails(['bundle', 'show', 'nothing@1.0.0'], 64, /^usage/));
  test('a reference that is none', () => fails(['bundle', 'show', '///'], 64, /^usage/));
  test('a gate that is none', () => fails(['trial', 'digits@1.0.0', '--gate', 'speed of light'], 64, /^usage\.gate/));
  test('an unknown device', () => fails(['device', 'show', 'nobody'], 64, /^(usage|device)/));

  test('a file that is not ONNX', async () => {
    const file = join(work.dir, 'page.onnx');
    await writeFile(file, '<!doctype html><title>Not found</title>');
    await fails(['check', file], 2, /^model\./);
    await fails(['inspect', file], 2, /^model\./);
    await fails(['run', file, '--input', join(SAMPLE, 'examples/digit-7.png')], 2, /^model\./);
  });

  test('a bundle folder that does not exist, or is none', async () => {
    await fails(['bundle', 'build', join(work.dir, 'none')], 64, /^usage/);
    await fails(['bundle', 'build', ROOT], 2, /^bundle\./);
  });

  test.each([
    ['a field that does not exist', (yaml: string) => yaml.replace('labels:', 'lables:'), 'lables'],
    ['a version that is none', (yaml: string) => yaml.replace('version: 1.0.0', 'version: one'), 'version'],
    ['a name with capitals', (yaml: string) => yaml.replace('name: digits', 'name: Digits'), 'name'],
    ['a model that is missing', (yaml: string) => yaml.replace('model: model.onnx', 'model: other.onnx'), 'other.onnx'],
    ['a path out of the folder', (yaml: string) => yaml.replace('model: model.onnx', 'model: ../model.onnx'), '../model.onnx'],
    ['no YAML at all', () => '{{{', ''],
  ])('a bundle with %s', async (_what, change, named) => {
    const dir = join(work.dir, `bundle-${Math.random().toString(36).slice(2)}`);
    await cp(SAMPLE, dir, { recursive: true });
    const path = join(dir, 'edgewright.yaml');
    await writeFile(path, change(await readFile(path, 'utf8')));
    const result = await cli(['bundle', 'build', dir, '--json'], { home });
    expect([2, 64], result.stdout).toContain(result.code);
    expect(result.stdout).toContain(named);
    expect((await cli(['bundle', 'list', '--json'], { home })).json()).toMatchObject({ ok: true, bundles: [] });
  });

  test('a golden set that the model does not reproduce stores nothing and exits 3', async () => {
    const dir = join(work.dir, 'wrong-golden');
    await cp(SAMPLE, dir, { recursive: true });
    const golden = await readFile(join(dir, 'golden.npz'));
    const { readNpz, writeNpz } = await import('#core/datasets');
    const arrays = await readNpz(golden);
    const logits = arrays.get('out_logits');
    if (logits?.data instanceof Float32Array) logits.data[7] = (logits.data[7] ?? 0) + 1;
    await writeNpz(join(dir, 'golden.npz'), arrays);
    await fails(['bundle', 'build', dir], 3, /golden/);
    expect((await cli(['bundle', 'list', '--json'], { home })).json()).toMatchObject({ ok: true, bundles: [] });
  });

  test('a device that is off', async () => {
    await fails(['device', 'add', '127.0.0.1:9', '--name', 'gone', '--code-file', '-'], 4, /^network\./, { input: 'ABCD-EFGH-JKMN-PQRS' });
  });

  test('a pairing code that is none', async () => {
    await fails(['device', 'add', '127.0.0.1:9', '--name', 'gone', '--code-file', '-'], 5, /^trust\./, { input: 'too short' });
  });

  test.skipIf(process.platform !== 'linux')('a workspace that cannot be written', () =>
    fails(['bundle', 'list'], 6, /^machine\./, { home: '/proc/edgewright-cannot-be-here' }),
  );

  test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)('a full disk: nothing half done, and the next build succeeds', async () => {
    const disk = join(work.dir, 'small-disk');
    await mkdir(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=620k', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      console.warn('SKIPPED: this machine does not let a test mount a small disk.');
      return;
    }
    try {
      const result = await cli(['bundle', 'build', SAMPLE, '--json'], { home: disk });
      expect(result.code, result.stdout).toBe(6);
      expect(result.json()).toMatchObject({ error: { code: 'machine.disk-full' } });
      execFileSync('mount', ['-o', 'remount,size=40m', disk]);
      expect((await cli(['bundle', 'list', '--json'], { home: disk })).json()).toMatchObject({ bundles: [] });
      expect((await cli(['bundle', 'build', SAMPLE, '--json'], { home: disk })).code).toBe(0);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  test('a failed command leaves no temporary files in the workspace', async () => {
    const left = (await readdir(home, { recursive: true })).filter((name) => name.includes('.tmp-'));
    expect(left).toEqual([]);
  });
});
