/** The whole folder that is kept beside the checkout, through the command line with the limits of every day. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';
import { watchTree } from '../../lib/tree-memory.ts';
import { hostileCases, judge } from './hostile-folder.ts';

const DIR = resolve(ROOT, '..', 'shared', 'fixtures', 'hostile');
const there = existsSync(DIR);
const home = await throwAwayDir('check-test');
afterAll(() => home.remove());

describe.skipIf(!there)(`the hostile folder${there ? '' : ' (not run: there is none beside this checkout)'}`, () => {
  it.each(there ? hostileCases(DIR).map((one) => [one.file, one] as const) : [])('%s', async (file, one) => {
    let memory: ReturnType<typeof watchTree> | undefined;
    const start = performance.now();
    const result = await cli(['check', '--json', join(DIR, file)], {
      home: home.dir,
      onStart: (pid) => (memory = process.platform === 'linux' ? watchTree(pid) : undefined),
    });
    const seconds = (performance.now() - start) / 1000;
    judge(one, { code: result.code, document: result.json() as never });
    expect(seconds).toBeLessThan(30);
    expect(memory?.stop() ?? 0).toBeLessThan(1e9);
  });
});
