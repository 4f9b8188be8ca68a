/** Builds the heads with rolldown.config.ts. */
import { join } from 'node:path';
import { rolldown, type RolldownOptions } from 'rolldown';
import config from '../rolldown.config.ts';
import { hashTree, readStamp, writeStamp } from './stamp.cjs';

const all: readonly RolldownOptions[] = Array.isArray(config) ? config : [config];

/** Every head, to dist. */
export async function buildHeads(root: string): Promise<void> {
  for (const options of all) await buildOne(root, options);
}

/** The window's main and preload, when they are not built from what is there now. */
export async function buildElectron(root: string): Promise<void> {
  const stampPath = join(root, 'dist', '.electron-stamp');
  const stamp = hashTree(root, ['app/electron', 'rolldown.config.ts', 'package-lock.json']);
  if (readStamp(stampPath) === stamp) return;
  for (const options of all) {
    if (typeof options.input === 'string' && options.input.startsWith('app/electron/')) await buildOne(root, options);
  }
  writeStamp(stampPath, stamp);
}

async function buildOne(root: string, options: RolldownOptions): Promise<void> {
  const { output = [], ...input } = options;
  const build = await rolldown({ ...input, cwd: root });
  try {
    for (const one of Array.isArray(output) ? output : [output]) await build.write(one);
  } finally {
    await build.close();
  }
}
