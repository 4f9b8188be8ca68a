/** Where the exporters and their pinned packages lie in the program. */
import { join } from 'node:path';
import { programRoot } from '#core/platform';

export function convertersDir(): string {
  return join(programRoot(), 'assets', 'converters');
}
