/** The files of a bundle that its recipe names, where the bundle is laid out by name. */
import { join } from 'node:path';
import { BundleFiles } from '#core/datasets';
import { readFileBounded } from '#core/platform';
import { unsound } from './errors.ts';

/**
 * @param dir the folder with the bundle's files
 * @param paths what belongs to the bundle: a recipe reads nothing else, whatever it says
 */
export function recipeFilesIn(dir: string, paths: ReadonlySet<string>): BundleFiles {
  return new BundleFiles(async (path, maxBytes) => {
    if (!paths.has(path))
      throw unsound('bundle.recipe-file-missing', `The recipe names ${path}, which is not in the bundle.`, { hint: 'Build the bundle again with that file.' });
    return readFileBounded(join(dir, path), maxBytes);
  });
}
