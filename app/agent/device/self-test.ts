/** The golden set and the limits, run on this device before a bundle may serve. */
import { asEdgewrightError, EdgewrightError, formatBytes } from '#contract';
import { goldenCases, readNpz, sliceRows, type Tensor } from '#core/datasets';
import { checkRawGolden, latencySummary, type RawGolden, type Runner, runGolden } from '#core/runtime';
import { TEST_MS, TIMED_RUNS, WARMUP_RUNS } from '../limits.ts';
import type { ModelSession } from '../serving/session.ts';
import type { DeviceLimits } from '#core/protocol';
import type { StagedBundle } from './install.ts';

/**
 * @param limits those of the decision over those of the bundle
 * @returns what was found, in words
 * @throws device.golden-failed, device.raw-mismatch, device.golden-crashed, device.too-slow, device.too-much-memory (all gate)
 */
export async function testBundle(session: ModelSession, staged: StagedBundle, limits: DeviceLimits, signal: AbortSignal): Promise<string> {
  const runner = session.runner();
  const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(TEST_MS)]) };
  try {
    const cases = goldenCases(await readNpz(staged.goldenPath));
    const golden = await runGolden(runner, cases, staged.rule, options);
    if (!golden.pass) {
      throw new EdgewrightError({
        code: 'device.golden-failed',
        message: `The golden set fails on this device: ${golden.worst ?? 'the outputs differ'}.`,
        expected: golden.rule,
        found:
          golden.agreement === undefined
            ? `largest error ${golden.maxAbsError}`
            : `${+(golden.agreement * 100).toFixed(2)}% of ${golden.samples} samples agree`,
        hint: 'The bundle that served before still serves. Try another variant, or look at what differs between the machines.',
        owner: 'gate',
      });
    }
    const raw = await checkRaw(staged.raw, runner, options.signal);
    const latency = await checkLatency(runner, cases.inputs, limits.p95Ms, options);
    const memory = await checkMemory(runner, limits.memoryBytes);
    return `the golden set passes (${golden.samples} samples, largest error ${golden.maxAbsError.toPrecision(3)})${raw}${latency}${memory}.`;
  } catch (error) {
    if (signal.aborted) throw error;
    const known = asEdgewrightError(error);
    if (known.owner === 'gate') throw known;
    throw new EdgewrightError(
      {
        ...known.toBody(),
        code: 'device.golden-crashed',
        message: `The golden set cannot be run on this device: ${known.message}`,
        found: `${known.code}${known.found === undefined ? '' : `: ${known.found}`}`,
        owner: 'gate',
      },
      { cause: error },
    );
  }
}

/** The recipe makes of the raw inputs here what it made of them where the bundle was built. A device that has no image decoder says so. */
async function checkRaw(raw: RawGolden | undefined, runner: Runner, signal: AbortSignal): Promise<string> {
  if (!raw) return '';
  try {
    const mismatch = await checkRawGolden(raw, runner.inputs, signal);
    if (!mismatch) return `, ${raw.raw.length} raw inputs prepared alike`;
    throw new EdgewrightError({
      code: 'device.raw-mismatch',
      message: `The recipe prepares raw inputs otherwise on this device: ${mismatch.message}.`,
      hint: 'The bundle that served before still serves. Compare the versions of Edgewright on both machines.',
      owner: 'gate',
    });
  } catch (error) {
    if (error instanceof EdgewrightError && error.code === 'image.no-decoder') return ', raw inputs not checked: no image decoder here';
    throw error;
  }
}

/** Batch 1, on the first golden sample, against the bundle's own limit. */
async function checkLatency(
  runner: Runner,
  inputs: Readonly<Record<string, Tensor>>,
  limitMs: number | undefined,
  options: { signal: AbortSignal },
): Promise<string> {
  if (limitMs === undefined) return '';
  const { samplesMs } = await runner.benchmark({ feeds: oneSample(runner, inputs), runs: TIMED_RUNS, warmup: WARMUP_RUNS }, options);
  const { p95 } = latencySummary(samplesMs);
  if (p95 > limitMs) {
    throw new EdgewrightError({
      code: 'device.too-slow',
      message: 'The model is slower on this device than its limit.',
      expected: `p95 of at most ${limitMs} ms`,
      found: `${p95.toFixed(2)} ms over ${TIMED_RUNS} runs`,
      owner: 'gate',
    });
  }
  return `, p95 ${p95.toFixed(2)} ms`;
}

async function checkMemory(runner: Runner, limitBytes: number | undefined): Promise<string> {
  if (limitBytes === undefined) return '';
  const { peak } = await runner.memory();
  if (peak > limitBytes) {
    throw new EdgewrightError({
      code: 'device.too-much-memory',
      message: 'The model takes more memory on this device than its limit.',
      expected: `at most ${formatBytes(limitBytes)}`,
      found: formatBytes(peak),
      owner: 'gate',
    });
  }
  return `, peak memory ${formatBytes(peak)}`;
}

/** One row in the shape the model takes: a model with a fixed batch gets that many copies of rows, one without a batch axis the bare row. */
function oneSample(runner: Runner, inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const ports = runner.model?.inputs ?? [];
  const only = Object.values(inputs);
  return Object.fromEntries(
    ports.flatMap((port) => {
      const tensor = inputs[port.name] ?? (only.length === 1 ? only[0] : undefined);
      if (!tensor) return [];
      if (tensor.dims.length === port.dims.length + 1) {
        const row = sliceRows(tensor, 0, 1);
        return [[port.name, { ...row, dims: row.dims.slice(1) }]];
      }
      const batch = typeof port.dims[0] === 'number' ? port.dims[0] : 1;
      return [[port.name, sliceRows(tensor, 0, Math.min(batch, tensor.dims[0] ?? 1))]];
    }),
  );
}
