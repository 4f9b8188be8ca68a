/** The variants a trial can make, by name: what to quantize, and how it is called in the manifest. */
import { EdgewrightError } from '#contract';
import type { ApartRequest } from './quantize-apart.ts';

export interface VariantRecipe {
  quantize: Pick<ApartRequest, 'variant'> & Partial<ApartRequest>;
  needsCalibration: boolean;
  /** For the manifest: element type of the weights. */
  precision: string;
  /** For the manifest: how, in one word that people know. */
  quantization: string;
}

const RECIPES: Record<string, VariantRecipe> = {
  'int8-dynamic': { quantize: { variant: 'int8-dynamic' }, needsCalibration: false, precision: 'int8', quantization: 'dynamic' },
  // S8S8, one scale a channel, MinMax: right on every CPU; quantization.md says what it costs where VNNI is missing.
  'int8-static': {
    quantize: { variant: 'int8-static', activations: 'int8', weights: 'int8', perChannel: true, calibrator: 'minmax' },
    needsCalibration: true,
    precision: 'int8',
    quantization: 'static-qdq',
  },
};

/** Names of the variants a trial can make; fp32 is not made but there. */
export const MADE_VARIANTS: readonly string[] = Object.keys(RECIPES);

/** @throws usage.unknown-variant */
export function recipeOf(name: string): VariantRecipe {
  const recipe = RECIPES[name];
  if (recipe) return recipe;
  throw new EdgewrightError({
    code: 'usage.unknown-variant',
    message: `There is no variant "${name}".`,
    expected: ['fp32', ...MADE_VARIANTS].join(', '),
    found: name,
    owner: 'usage',
  });
}
