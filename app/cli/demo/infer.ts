/** Asks a device over the Open Inference Protocol, as any application on it would. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { applyRecipe, argmax, parseRecipe, toNumbers } from '#core/datasets';

/** How long one request may take, in ms. */
const REQUEST_TIMEOUT_MS = 10_000;

const AnswerSchema = z.object({ outputs: z.array(z.object({ name: z.string(), data: z.array(z.number()) })) });

/** Turns an image into the body of an infer request by the bundle's own recipe. */
export async function inferBody(imagePath: string, recipePath: string): Promise<string> {
  const recipe = parseRecipe(await readFile(recipePath, 'utf8'));
  const { feeds } = await applyRecipe(recipe, await readFile(imagePath), [{ name: 'image', type: 'float32', dims: ['batch', 1, 8, 8] }]);
  return JSON.stringify({
    inputs: Object.entries(feeds).map(([name, tensor]) => ({ name, shape: tensor.dims, datatype: 'FP32', data: Array.from(toNumbers(tensor)) })),
  });
}

/**
 * @returns the class with the largest logit
 * @throws device.infer-failed with what the device answered
 */
export async function inferDigit(inference: string, model: string, body: string): Promise<number> {
  const response = await fetch(`${inference}/v2/models/${model}/infer`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new EdgewrightError({
      code: 'device.infer-failed',
      message: `The device could not run ${model}.`,
      found: `${response.status} ${text.slice(0, 300)}`,
      owner: 'device',
    });
  }
  const logits = AnswerSchema.parse(JSON.parse(text)).outputs.find((o) => o.name === 'logits');
  if (!logits) throw new EdgewrightError({ code: 'device.infer-failed', message: 'The device answered without logits.', owner: 'device' });
  return argmax(Float64Array.from(logits.data));
}
