/** What the command line does with its streams and signals. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cli, ROOT, throwAwayDir } from '../../lib/cli.ts';

const SAMPLE = join(ROOT, 'assets', 'sample-bundle');
const MODEL = join(ROOT, 'test/fixtures/digits/model.onnx');

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let home: string;
beforeAll(async () => {
  work = await throwAwayDir('streams');
  home = join(work.dir, 'home');
  await mkdir(home);
});
afterAll(() => work.remove());

test.skipIf(!existsSync('/dev/full'))('a full disk behind stdout is a failure, said on stderr', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [join(ROOT, 'app/cli/main.ts'), 'inspect', MODEL, '--json'], {
    env: { PATH: process.env.PATH ?? '', EDGEWRIGHT_HOME: home, EDGEWRIGHT_KEY_STORE: 'file' },
    stdio: ['ignore', full, 'pipe'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  closeSync(full);
  expect({ code, stderr }).toEqual({ code: 6, stderr: expect.stringContaining('disk is full') as string });
});

test.each([[['--json']], [['bundle', '--json']]])('%j without a command still prints one document', async (args) => {
  const result = await cli(args, { home });
  expect({ code: result.code, document: result.json() }).toMatchObject({ code: 64, document: { ok: false, error: { code: 'usage' } } });
});

test('terminal escapes in labels and descriptions are shown, not sent', async () => {
  const dir = join(work.dir, 'coloured');
  await cp(SAMPLE, dir, { recursive: true });
  const yaml = await readFile(join(dir, 'edgewright.yaml'), 'utf8');
  await writeFile(join(dir, 'edgewright.yaml'), yaml.replace(/^description: .*$/m, 'description: "\\e]0;title\\a\\e[31mred"'));
  await writeFile(join(dir, 'labels.txt'), Array.from({ length: 10 }, (_, i) => `\u001b[2J${i}\n`).join(''));
  expect((await cli(['bundle', 'build', dir], { home })).code).toBe(0);
  const said = [
    await cli(['bundle', 'show', 'digits@1.0.0'], { home }),
    await cli(['run', 'digits@1.0.0', '--input', join(SAMPLE, 'examples/digit-7.png')], { home }),
    await cli(['bundle', 'show', '\u001b[31mdigits@1.0.0'], { home }),
  ];
  expect(said.map((s) => s.code)).toEqual([0, 0, 64]);
  const text = said.map((s) => s.stdout + s.stderr).join('');
  expect(text).toContain('\\u{1b}[31mred');
  expect(text).not.toMatch(/[\u0007\u001b]/);
});

test.skipIf(process.platform !== 'linux')('Ctrl-C ends a command with 130 and one document, and leaves nothing behind', async () => {
  const result = await cli(['benchmark', MODEL, '--runs', '10000', '--rounds', '100', '--json'], {
    home,
    // Interrupted once the model is held by a process of its own.
    onStart: (pid) => void vi.waitFor(() => expect(children(pid)).not.toBe(''), { timeout: 60_000, interval: 20 }).then(() => process.kill(pid, 'SIGINT')),
  });
  expect({ code: result.code, document: result.json() }).toMatchObject({
    code: 130,
    document: { ok: false, error: { code: 'cancelled', owner: 'cancelled' } },
  });
  expect(await readdir(join(home, 'temp'))).toEqual([]);
});

function children(pid: number): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
}
