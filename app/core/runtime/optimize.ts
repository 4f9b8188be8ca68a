/** ONNX Runtime's graph optimizer as a tool: the model in, the optimized model out. */
import { rename, rm } from 'node:fs/promises';
import { tempName } from '#core/platform';
import { startRunner } from './child-runner.ts';
import type { CallOptions } from './runner.ts';

/** Levels whose result runs on any machine; beyond them the layout is made for the processor at hand. */
export type PortableLevel = 'basic' | 'extended';

/**
 * Writes the model as ONNX Runtime sees it after optimization, whole or not at all: constants folded, dead nodes gone; `extended`
 * also fuses nodes into com.microsoft operators.
 * @throws runtime.load-failed (input), runtime.timeout, runtime.memory, runtime.crashed (machine)
 */
export async function optimizeModel(
  inputPath: string,
  outputPath: string,
  level: PortableLevel,
  options: CallOptions & { memoryLimitBytes?: number | undefined } = {},
): Promise<void> {
  const runner = await startRunner({ threads: 1, memoryLimitBytes: options.memoryLimitBytes, label: 'optimize', signal: options.signal });
  const temp = tempName(outputPath);
  try {
    await runner.load({ path: inputPath, optimization: level, optimizedPath: temp }, options);
    await rename(temp, outputPath);
  } finally {
    await runner.close();
    await rm(temp, { force: true });
  }
}
