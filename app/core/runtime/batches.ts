/** Running many samples: cut into batches that fit the model, and put together again. */
import { EdgewrightError } from '#contract';
import { concatRows, sliceRows, type Tensor } from '#core/datasets';
import { DEFAULT_BATCH } from './limits.ts';
import type { CallOptions, Runner } from './runner.ts';

export interface BatchOptions extends CallOptions {
  /** Samples in one run, where the model leaves it open. */
  batch?: number | undefined;
  onProgress?: ((progress: { fraction?: number; step: string }) => void) | undefined;
}

export interface Batch {
  outputs: Record<string, Tensor>;
  /** Measured inside the runner. */
  latencyMs: number;
  from: number;
  to: number;
}

type Feeds = Record<string, Tensor>;
/** All that is needed of a runner: its inputs, and a way to run. */
type Runs = { inputs: Runner['inputs']; run: (feeds: Feeds, options?: CallOptions) => Promise<{ outputs: Feeds; latencyMs: number }> };

/**
 * Runs `samples` rows and yields the outputs batch by batch. A model with a fixed batch gets its last one filled up with copies of
 * the last row, whose outputs are left out; one without a batch axis gets sample after sample.
 * @param inputs first axis = sample
 * @throws runtime.inputs-missing (input) and whatever a run throws
 */
export async function* runBatches(runner: Runs, inputs: Readonly<Feeds>, samples: number, options: BatchOptions = {}): AsyncGenerator<Batch> {
  const ports = runner.inputs;
  const feeds = nameInputs(
    inputs,
    ports.map((p) => p.name),
  );
  const unbatched = ports.some((port) => feeds[port.name] && feeds[port.name]?.dims.length === port.dims.length + 1);
  const fixed = unbatched ? 1 : ports.map((p) => p.dims[0]).find((d): d is number => typeof d === 'number' && d > 0);
  const size = fixed ?? options.batch ?? DEFAULT_BATCH;
  for (let from = 0; from < samples; from += size) {
    const to = Math.min(samples, from + size);
    const rows = mapTensors(feeds, (tensor) => cut(tensor, from, to, fixed ?? to - from));
    const { outputs, latencyMs } = await runner.run(unbatched ? mapTensors(rows, dropAxis) : rows, options);
    const whole = unbatched ? mapTensors(outputs, (t) => ({ ...t, dims: [1, ...t.dims] })) : outputs;
    const padded = fixed !== undefined && to - from < fixed;
    yield { outputs: padded ? mapTensors(whole, (t) => (t.dims[0] === fixed ? sliceRows(t, 0, to - from) : t)) : whole, latencyMs, from, to };
    options.onProgress?.({ fraction: to / samples, step: `${to} of ${samples} samples` });
  }
}

/** All outputs of all samples, joined, and the time of all batches together. */
export async function runAll(
  runner: Runs,
  inputs: Readonly<Feeds>,
  samples: number,
  options: BatchOptions = {},
): Promise<{ outputs: Feeds; latencyMs: number }> {
  const parts: Feeds[] = [];
  let total = 0;
  for await (const { outputs, latencyMs } of runBatches(runner, inputs, samples, options)) {
    parts.push(outputs);
    total += latencyMs;
  }
  const names = Object.keys(parts[0] ?? {});
  return { outputs: Object.fromEntries(names.map((name) => [name, concatRows(parts.flatMap((p) => (p[name] ? [p[name]] : [])))])), latencyMs: total };
}

/** A single input may have another name in the file than in the model. */
function nameInputs(inputs: Readonly<Feeds>, names: readonly string[]): Feeds {
  const only = Object.values(inputs);
  const [name] = names;
  if (names.length === 1 && only.length === 1 && name !== undefined && only[0]) return Object.fromEntries([[name, only[0]]]);
  return Object.fromEntries(
    names.map((wanted) => {
      const tensor = Object.hasOwn(inputs, wanted) ? inputs[wanted] : undefined;
      if (!tensor) {
        throw new EdgewrightError({
          code: 'runtime.inputs-missing',
          message: `The data set has no array for the input ${wanted}.`,
          expected: names.map((n) => `in_${n}`).join(', '),
          found: Object.keys(inputs)
            .map((n) => `in_${n}`)
            .join(', '),
          owner: 'input',
        });
      }
      return [wanted, tensor];
    }),
  );
}

/** Rows from..to, filled up to `size` with the last one. */
function cut(tensor: Tensor, from: number, to: number, size: number): Tensor {
  const rows = sliceRows(tensor, from, to);
  const last = sliceRows(tensor, to - 1, to);
  return to - from === size ? rows : concatRows([rows, ...Array.from({ length: size - (to - from) }, () => last)]);
}

function dropAxis(tensor: Tensor): Tensor {
  return { ...tensor, dims: tensor.dims.slice(1) };
}

function mapTensors(tensors: Readonly<Feeds>, change: (tensor: Tensor) => Tensor): Feeds {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]));
}
