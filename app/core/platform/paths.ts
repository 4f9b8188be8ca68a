/** Where things are: the workspace of this user, and the files that come with Edgewright. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace folder: EDGEWRIGHT_HOME, else the platform's place for a program's data. */
export function workspaceHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.EDGEWRIGHT_HOME) return resolve(env.INIT_CWD ?? process.cwd(), env.EDGEWRIGHT_HOME);
  const home = homedir();
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'Edgewright');
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support', 'Edgewright');
  return join(env.XDG_DATA_HOME ?? join(home, '.local', 'share'), 'edgewright');
}

export interface WorkspacePaths {
  home: string;
  store: string;
  catalogue: string;
  keys: string;
  lock: string;
  engine: string;
  temp: string;
  logs: string;
  practice: string;
  /** Provider packs. */
  providers: string;
}

/** The layout of a workspace; nothing is made. */
export function workspacePaths(home: string): WorkspacePaths {
  return {
    home,
    store: join(home, 'store'),
    catalogue: join(home, 'catalogue.db'),
    keys: join(home, 'keys'),
    lock: join(home, 'writer.lock'),
    engine: join(home, 'engine.json'),
    temp: join(home, 'temp'),
    logs: join(home, 'logs'),
    practice: join(home, 'practice-device'),
    providers: join(home, 'providers'),
  };
}

/** The root of the checkout or of the installed program: the folder that holds `assets`. */
export function programRoot(): string {
  if (process.env.EDGEWRIGHT_ROOT) return process.env.EDGEWRIGHT_ROOT;
  return resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
}

/** A path a person typed: relative ones start where they stand, which under `npm run` is INIT_CWD. */
export function userPath(path: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.INIT_CWD ?? process.cwd(), path);
}

/**
 * The entry point of one of our own programs: the source beside us in a checkout, the built file in an installed copy.
 * @param head folder name under `app`
 */
export function programEntry(head: 'agent' | 'engine' | 'cli'): string {
  const built = import.meta.url.endsWith('.js');
  return built ? join(programRoot(), 'dist', head, 'main.js') : join(programRoot(), 'app', head, 'main.ts');
}

/** Version of Edgewright. */
export function programVersion(): string {
  return versionIn(join(programRoot(), 'package.json'));
}

/** Version of the bundled ONNX Runtime. */
export function onnxruntimeVersion(): string {
  return versionIn(join(programRoot(), 'node_modules', 'onnxruntime-node', 'package.json'));
}

function versionIn(path: string): string {
  const document: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return typeof document === 'object' && document !== null && 'version' in document ? String(document.version) : '';
}
