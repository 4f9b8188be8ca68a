/**
 * Every model of the hostile folder gets what it must: those that the file alone shows to be unsound without running anything, the others
 * through the command line as a person would.
 */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkStructure, makeNode, makeTensor } from '#core/onnx';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { watchTree } from '../../lib/tree-memory.ts';
import { model, saved, value } from '../../unit/onnx/models.ts';
import { type HostileCase, hostileCases, judge } from './hostile-folder.ts';

const DIR = join(import.meta.dirname, '..', '..', 'fixtures', 'hostile');
const cases = hostileCases(DIR);
const of = (...kinds: HostileCase['expect'][]) => cases.filter((one) => kinds.includes(one.expect)).map((one) => [one.file, one] as const);
const home = await throwAwayDir('check-test');
afterAll(() => home.remove());
const onLinux = process.platform === 'linux';
/** Seconds that models get which never end; what must hold for the 15 of every day is in the long test. */
const SECONDS = '3';

async function checked(file: string, limits: readonly string[] = []) {
  let memory: ReturnType<typeof watchTree> | undefined;
  const result = await cli(['check', '--json', ...limits, file], { home: home.dir, onStart: (pid) => (memory = onLinux ? watchTree(pid) : undefined) });
  return { verdict: { code: result.code, document: result.json() as never }, peak: memory?.stop() ?? 0 };
}

describe('refused from the file alone, with the reason', () => {
  it.each(of('reject'))('%s', async (file) => {
    await expect(checkStructure(join(DIR, file))).rejects.toMatchObject({ name: 'EdgewrightError', owner: 'input', code: expect.stringMatching(/^model\./) });
  });

  it('names the node, the tensor or the operator', async () => {
    const message = async (file: string) => checkStructure(join(DIR, file)).then(String, (error: Error) => error.message);
    expect(await message('shape_mismatch.onnx')).toContain("'mm1' (MatMul)");
    expect(await message('missing_initializer.onnx')).toMatch(/'mm1'.*'w1'/);
    expect(await message('unknown_domain.onnx')).toContain('com.example.custom.SuperGelu');
    expect(await message('short_raw_data.onnx')).toContain("'w1'");
    expect(await message('lfs_pointer.onnx')).toContain('Git LFS pointer');
  });
});

describe('sound, however unusual', () => {
  it.each(of('ok', 'warn'))('%s', async (file) => {
    expect((await checkStructure(join(DIR, file))).stages).toHaveLength(2);
  });

  it('ten thousand nodes in a row', async () => {
    const node = Array.from({ length: 10_000 }, (_, i) => makeNode('Add', [`t${i}`, 'half'], [`t${i + 1}`]));
    const half = makeTensor('half', 'float32', [], Float32Array.of(0.5));
    const { verdict } = await checked(await saved(model({ node, input: [value('t0')], output: [value('t10000')], initializer: [half] })), ['--timeout', '60']);
    judge({ file: 'ten thousand nodes', expect: 'ok', why: '' }, verdict);
  });
});

describe('through the command line', () => {
  it.each(of('ok', 'warn').filter(([file]) => /external|if|loop|string|nan_output/.test(file)))('%s', async (file, one) => {
    judge(one, (await checked(join(DIR, file))).verdict);
  });

  it.each(of('bounded'))('%s is kept within bounds', async (file, one) => {
    const { verdict, peak } = await checked(join(DIR, file), ['--timeout', SECONDS]);
    judge(one, verdict);
    expect(peak).toBeLessThan(1e9);
  });

  it('says what it did, how long it took, and how limits were held', async () => {
    const { verdict } = await checked(join(DIR, 'valid_mlp.onnx'), ['--timeout', '30', '--memory', '500']);
    expect(verdict.document).toMatchObject({
      ok: true,
      stages: [
        { name: 'bounds', outcome: 'passed' },
        { name: 'structure', outcome: 'passed' },
        { name: 'load', outcome: 'passed' },
        { name: 'run', outcome: 'passed', detail: expect.stringContaining("'x' float32[1, 4]") },
      ],
      limits: { timeoutMs: 30_000, memoryBytes: 500e6, enforcement: expect.stringMatching(/memory/) },
    });
  });

  it('runs nothing when it is not to', async () => {
    const result = await cli(['check', '--json', '--no-run', join(DIR, 'infinite_loop.onnx')], { home: home.dir });
    expect(result.json()).toMatchObject({
      ok: true,
      warnings: [],
      stages: [{}, {}, { name: 'load', outcome: 'skipped' }, { name: 'run', outcome: 'skipped' }],
    });
  });

  it('refuses limits that are none', async () => {
    for (const args of [
      ['--timeout', '0'],
      ['--memory', 'much'],
    ]) {
      expect((await cli(['check', join(DIR, 'valid_mlp.onnx'), ...args], { home: home.dir })).code).toBe(64);
    }
  });
});
