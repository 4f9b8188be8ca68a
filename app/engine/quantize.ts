/** One quantized file from a bundle or a bare model, outside of any trial. */
import type { QuantizeRequest, QuantizeResult } from '#contract';
import type { BlobStore } from '#core/bundles';
import { checkReplaceable } from '#core/platform';
import { quantizeApart } from '#core/trials';
import type { Runnables } from './runnables.ts';

export async function quantize(request: QuantizeRequest, from: { runnables: Runnables; store: BlobStore }, signal?: AbortSignal): Promise<QuantizeResult> {
  await checkReplaceable(request.output);
  const runnable = await from.runnables.resolve(request.ref, signal);
  const own = [...(runnable.bundle?.files.values() ?? [])].find((f) => f.role === 'calibration');
  const calibration = request.calibration ?? (own && from.store.path(own.digest));
  const { output, variant, bytes, seconds, warnings, peakMemoryBytes } = await quantizeApart(
    {
      modelPath: runnable.modelPath,
      outputPath: request.output,
      variant: request.variant,
      calibrator: request.calibrator,
      activations: request.activations,
      weights: request.weights,
      perChannel: request.perChannel,
      reduceRange: request.reduceRange,
      symmetricActivations: request.symmetric,
      prepare: request.prepare,
      ...(calibration !== undefined && { calibration }),
    },
    { signal },
  );
  return { output, variant, bytes, seconds, peakMemoryBytes, warnings };
}
