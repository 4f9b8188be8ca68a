/** What quantizing needs of ONNX Runtime, given by runner processes. */
import type { QuantizeRuntime } from '#core/quantize';
import { optimizeModel, RUNNER_MEMORY_BYTES, startRunner } from '#core/runtime';

/** Calibration and preparation each in a runner of their own, held to RUNNER_MEMORY_BYTES. */
export const quantizeRuntime: QuantizeRuntime = {
  open: async (modelPath, { signal }) => {
    const runner = await startRunner({ threads: 0, memoryLimitBytes: RUNNER_MEMORY_BYTES, writes: false, label: 'calibration', signal });
    try {
      await runner.load({ path: modelPath, optimization: 'disabled' }, { signal });
    } catch (error) {
      runner.kill();
      throw error;
    }
    return {
      run: async (feeds, outputs) => (await runner.run(feeds, { outputs, signal })).outputs,
      close: () => runner.close(),
    };
  },
  // Basic: constants folded and norms fused, with operators every quantizer knows; the result runs on any machine.
  optimize: (modelPath, outputPath, { signal }) => optimizeModel(modelPath, outputPath, 'basic', { signal, memoryLimitBytes: RUNNER_MEMORY_BYTES }),
};
