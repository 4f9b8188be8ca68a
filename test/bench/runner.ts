/** What a process of its own costs: p50 of a run inside our runner against onnxruntime-node called directly in a plain process. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { float32Tensor } from '#core/datasets';
import { startRunner } from '#core/runtime';
import type { Contest } from './contest.ts';
import { median } from './contest.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MODEL = join(ROOT, 'assets', 'sample-bundle', 'model.onnx');
const RUNS = 500;

const PLAIN = `
  const ort = require('onnxruntime-node');
  (async () => {
    const session = await ort.InferenceSession.create(process.argv[1], { intraOpNumThreads: 1 });
    const feeds = { image: new ort.Tensor('float32', new Float32Array(64).fill(0.5), [1, 1, 8, 8]) };
    const times = [];
    for (let i = 0; i < ${RUNS} + 20; i++) { const t = performance.now(); await session.run(feeds); if (i >= 20) times.push(performance.now() - t); }
    console.log(JSON.stringify(times));
  })();`;

export const runnerContest: Contest = {
  name: 'One inference in a runner process',
  rivalName: 'onnxruntime-node called directly',
  unit: 'ms',
  missing: async () => undefined,
  ours: async () => {
    const runner = await startRunner({ threads: 1 });
    try {
      await runner.load({ path: MODEL });
      const { samplesMs } = await runner.benchmark({ feeds: { image: float32Tensor([1, 1, 8, 8], new Float32Array(64).fill(0.5)) }, runs: RUNS, warmup: 20 });
      return median([...samplesMs]);
    } finally {
      await runner.close();
    }
  },
  rival: async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', PLAIN, MODEL], {
      cwd: ROOT,
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      timeout: 60_000,
    });
    return median(JSON.parse(stdout) as number[]);
  },
};
