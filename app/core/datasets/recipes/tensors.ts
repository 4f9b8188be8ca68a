/** Raw tensors: an .npz whose arrays are the model's inputs, or one .npy. */
import { z } from 'zod';
import type { TensorInfo } from '#contract';
import { readNpz, UNNAMED_ARRAY } from '../npz.ts';
import type { Tensor } from '../tensor.ts';
import { misfit, type RecipeKind } from './kind.ts';

export const TensorsRecipeSchema = z.strictObject({
  /** Arrays are named as the inputs are, or in_<input>. */
  kind: z.literal('tensors'),
});
type TensorsRecipe = z.infer<typeof TensorsRecipeSchema>;

export const tensorsKind: RecipeKind<TensorsRecipe> = {
  apply: async (_recipe, raw, { inputs }) => ({ feeds: await readTensors(raw, inputs) }),
};

/** Also what is done without a recipe. */
export async function readTensors(bytes: Uint8Array, inputs: readonly TensorInfo[]): Promise<Record<string, Tensor>> {
  const arrays = await readNpz(bytes);
  const only = inputs.length === 1 && arrays.size === 1 ? inputs[0] : undefined;
  const unnamed = arrays.get(UNNAMED_ARRAY);
  if (only && unnamed) return Object.fromEntries([[only.name, unnamed]]);
  return Object.fromEntries(
    inputs.map(({ name }) => {
      const tensor = arrays.get(name) ?? arrays.get(`in_${name}`);
      if (!tensor) throw misfit(`The file holds no array for the input ${name}.`, `${name} or in_${name}`, [...arrays.keys()].join(', '));
      return [name, tensor];
    }),
  );
}
