/** Every model of the zoo: hostile ones that no folder of examples has, and odd ones that are sound. */
import { BOMBS } from './bombs.ts';
import { ENCODING } from './encoding.ts';
import { EXTERNAL } from './external.ts';
import { ODD } from './odd.ts';
import type { Specimen } from './specimen.ts';
import { STRUCTURE } from './structure.ts';
import { TRAPS } from './traps.ts';

export type { Specimen } from './specimen.ts';
export const ZOO: readonly Specimen[] = [...EXTERNAL, ...ENCODING, ...STRUCTURE, ...BOMBS, ...TRAPS, ...ODD];
