/** `uv`: a Python environment of pinned wheels, made for one conversion and thrown away. */
import { join } from 'node:path';
import { runCommand } from '#core/platform';
import { lacking, unreached } from './errors.ts';
import { INSTALL_TIMEOUT_MS, LAST_WORDS_CHARS, UV_VERSION_MS } from './limits.ts';

/** The Python that the pinned wheels are for. */
export const PYTHON = '3.12';

/** What uv may know of our environment: where its cache and its registries are, and how they are reached. */
const KEPT = /^(PATH|HOME|XDG_CACHE_HOME|XDG_DATA_HOME|XDG_CONFIG_HOME|TMPDIR|LANG|SSL_CERT_(FILE|DIR)|(https?|all|no)_proxy|UV_.*)$/i;

function uvEnv(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value !== undefined && KEPT.test(name) ? [[name, value]] : [])));
}

/** The `uv` to use: EDGEWRIGHT_UV, else the one on the path. @returns undefined when there is none that answers */
export async function findUv(signal?: AbortSignal): Promise<{ command: string; version: string } | undefined> {
  const command = process.env.EDGEWRIGHT_UV ?? 'uv';
  const end = await runCommand({ command, args: ['--version'], env: uvEnv(), timeoutMs: UV_VERSION_MS, signal });
  const version = /uv (\d+\.\d+\.\d+)/.exec(end.said)?.[1];
  return end.code === 0 && version !== undefined ? { command, version } : undefined;
}

/**
 * Makes the environment in `dir`: wheels only, every one by its hash, so that nothing of a package runs while it is installed.
 * @returns the paths that the environment's Python needs to be able to read
 * @throws convert.no-python, convert.install-failed
 */
export async function makeEnvironment(
  uv: string,
  dir: string,
  requirements: string,
  options: { signal?: AbortSignal | undefined; onStep?: ((step: string) => void) | undefined } = {},
): Promise<{ python: string; readable: string[] }> {
  const { signal, onStep } = options;
  const run = (args: string[]) => runCommand({ command: uv, args, env: uvEnv(), timeoutMs: INSTALL_TIMEOUT_MS, signal });
  onStep?.(`Looking for Python ${PYTHON}`);
  const made = await run(['venv', '--quiet', '--no-project', '--no-config', '--python', process.env.UV_PYTHON ?? PYTHON, dir]);
  signal?.throwIfAborted();
  if (made.code !== 0) {
    throw lacking('no-python', `uv can neither find nor fetch Python ${PYTHON}.`, {
      found: lastWords(made.said),
      hint: `Install Python ${PYTHON}, or run once with a network: uv python install ${PYTHON}`,
    });
  }
  const python = join(dir, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  onStep?.('Installing the pinned packages');
  const installed = await run([
    'pip',
    'install',
    '--quiet',
    '--no-config',
    '--python',
    python,
    '--require-hashes',
    '--only-binary',
    ':all:',
    '--requirement',
    requirements,
  ]);
  signal?.throwIfAborted();
  if (installed.code !== 0) {
    throw unreached('install-failed', 'The packages of the exporter could not be installed.', {
      found: installed.stopped === 'timeout' ? `not done within ${INSTALL_TIMEOUT_MS / 60_000} min` : lastWords(installed.said),
      hint: 'They come from the Python package index and stay in uv’s cache: convert once with a network, and later conversions need none.',
    });
  }
  const asked = await runCommand({
    command: python,
    args: ['-I', '-c', 'import sys; print(sys.base_prefix)'],
    env: { PATH: '/usr/bin:/bin' },
    timeoutMs: UV_VERSION_MS,
    signal,
  });
  const prefix = asked.said.trim().split('\n').at(-1) ?? '';
  if (asked.code !== 0 || prefix === '') throw lacking('no-python', 'The Python of the environment does not start.', { found: lastWords(asked.said) });
  return { python, readable: [dir, ...(prefix.startsWith('/usr') ? [] : [prefix])] };
}

export function lastWords(said: string): string {
  return said.trim().slice(-LAST_WORDS_CHARS);
}
