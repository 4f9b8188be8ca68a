/** A bundle from a file or folder that `export`, or any tool that speaks OCI, made. */
import { join } from 'node:path';
import type { BundleSummary } from '#contract';
import type { RegistryParts } from '../commit.ts';
import { receiveBundle, type ReceiveOptions } from '../receive.ts';
import { withStaging } from '../staging.ts';
import { openLayout } from './layout.ts';
import { layoutSource } from './layout-source.ts';

export interface ImportOptions extends ReceiveOptions {
  /** Which bundle, where there are several. */
  ref?: string | undefined;
}

/** See receiveBundle. @throws usage.not-a-layout, usage.which-bundle (usage); archive.* (input); what receiveBundle throws */
export async function importBundle(parts: RegistryParts, path: string, options: ImportOptions): Promise<BundleSummary> {
  return withStaging(parts.store, async ({ folder }) => {
    options.onProgress?.({ step: `Reading ${path}` });
    const layout = await openLayout(path, { scratch: join(folder, 'unfolded'), signal: options.signal });
    try {
      return await receiveBundle(parts, await layoutSource(layout, options.ref), options);
    } finally {
      await layout.close();
    }
  });
}
