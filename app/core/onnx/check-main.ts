/**
 * Entry of the process that judges a model's file: whatever is in the file, only this process can run out of memory or time over it.
 * Its argument says which file; on fd 4 it tells how much there is to read, then what it found.
 */
import { writeSync } from 'node:fs';
import { asEdgewrightError } from '#contract';
import { loadNative } from '#native';
import { checkStructure } from './check.ts';
import type { ApartArguments, ApartWord } from './check-apart.ts';

const { path, memoryBytes, parent } = JSON.parse(process.argv[2] ?? '{}') as ApartArguments;
const native = loadNative();
native?.dieWithParent(parent);
native?.setMemoryLimit(memoryBytes);

function say(word: ApartWord): void {
  const bytes = Buffer.from(`${JSON.stringify(word)}\n`, 'utf8');
  for (let at = 0; at < bytes.length; ) at += writeSync(4, bytes, at);
}

try {
  say({ done: await checkStructure(path, { onMeasured: (storedBytes) => say({ storedBytes }) }) });
} catch (error) {
  say({ failed: asEdgewrightError(error).toBody() });
}
