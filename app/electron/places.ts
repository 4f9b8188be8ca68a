/** Where the engine, its Node and the window's own data are: in a checkout as boot says, in an installed app beside the archive. */
import { join, resolve } from 'node:path';

export interface Places {
  /** The Node binary that runs the engine. */
  node: string;
  entry: string;
  /** Folder of assets and screens, given to the engine as EDGEWRIGHT_ROOT. */
  root: string;
  /** Electron's own data (window state, local storage): one folder per workspace, so that two workspaces are two apps. */
  userData: string | undefined;
}

/**
 * @param options.env EDGEWRIGHT_NODE and EDGEWRIGHT_ENGINE are set by `npm start`
 * @param options.resourcesPath process.resourcesPath of an installed app
 * @throws Error in a checkout that was not started by `npm start`
 */
export function findPlaces(options: { packaged: boolean; platform: NodeJS.Platform; resourcesPath: string; env: NodeJS.ProcessEnv }): Places {
  const { env } = options;
  const userData = env.EDGEWRIGHT_HOME === undefined ? undefined : resolve(env.INIT_CWD ?? '.', env.EDGEWRIGHT_HOME, 'window');
  if (options.packaged) {
    // The archive can be read by Electron only; what the engine's Node runs lies beside it.
    const root = join(options.resourcesPath, 'app.asar.unpacked');
    const node = join(options.resourcesPath, 'node', 'bin', options.platform === 'win32' ? 'node.exe' : 'node');
    return { node, entry: join(root, 'dist', 'engine', 'main.js'), root, userData };
  }
  const { EDGEWRIGHT_NODE: node, EDGEWRIGHT_ENGINE: entry, EDGEWRIGHT_ROOT: root } = env;
  if (node === undefined || entry === undefined || root === undefined) throw new Error('Start the window with npm start.');
  return { node, entry, root, userData };
}
