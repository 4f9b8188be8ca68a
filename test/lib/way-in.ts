/** What every model must show on the whole way in: built as a bundle, its golden set passed, its metric scored, its raw inputs answered. */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyRecipe, BundleFiles, parseRecipe, readNpz, sliceRows, type Tensor, toNumbers } from '#core/datasets';
import { cli, throwAwayDir } from './cli.ts';
import { type FixtureModel, imagesOf, writeFixtureBundle } from './fixture-bundles.ts';

interface Scored {
  variants: { name: string; metric?: { value: number }; golden?: { pass: boolean } }[];
}
interface Answered {
  answer: {
    kind: string;
    labels: { label: string }[];
    values: { value: number }[];
    rows: { labels: { label: string; index: number }[]; values: { value: number }[] }[];
  };
}

/** @param root the folder that holds a folder for each model */
export function describeWayIn(models: readonly FixtureModel[], root: string): void {
  let home: { dir: string; remove: () => Promise<void> };
  beforeAll(async () => {
    home = await throwAwayDir('fixtures');
  });
  afterAll(() => home.remove());
  const run = (...args: string[]) => cli([...args, '--json'], { home: join(home.dir, 'home') });

  describe.each(models)('$name', (model) => {
    const ref = `${model.name.replaceAll('_', '-')}@1.0.0`;
    const folder = () => join(home.dir, model.name);
    const from = join(root, model.name);

    test('is built, signed, and passes its golden set', async () => {
      await writeFixtureBundle(model, folder(), from);
      const built = await run('bundle', 'build', folder());
      expect(built.code, built.stdout + built.stderr).toBe(0);
      expect(built.json()).toMatchObject({ ok: true, signed: true, state: 'sound' });
    });

    test(`scores ${model.metric.name} ${model.metric.fp32}, as Python does`, async () => {
      const tried = await run('trial', ref, '--variants', 'fp32', '--rounds', '1', '--runs', '5', '--gate', 'size < 1 GB');
      expect(tried.code, tried.stdout + tried.stderr).toBe(0);
      const [variant] = (tried.json() as Scored).variants;
      expect(variant?.golden?.pass).toBe(true);
      const value = variant?.metric?.value ?? Number.NaN;
      if (model.metric.name.endsWith('accuracy')) expect(value).toBe(model.metric.fp32);
      else expect(Math.abs(value / model.metric.fp32 - 1)).toBeLessThan(metricTolerance(model));
    });

    if (model.task === 'image-classification')
      test('its images become the tensors of its test set, to the bit, and are answered', async () => {
        const recipe = parseRecipe(readFileSync(join(folder(), 'recipe.yaml'), 'utf8'));
        const rows = (await readNpz(join(from, 'test.npz'))).get(`in_${model.inputs[0]?.name}`);
        if (!rows) throw new Error('the test set has no inputs');
        const images = await imagesOf(from);
        expect(images.length).toBeGreaterThan(9);
        for (const { file, index } of images) {
          const inputs = model.inputs.map(({ name, dtype, shape }) => ({ name, type: dtype, dims: shape.map((d) => d ?? 'n') }));
          const { feeds } = await applyRecipe(recipe, readFileSync(file), inputs);
          expect(Object.values(feeds)[0], file).toEqual({ ...sliceRows(rows, index, index + 1), data: sliceRows(rows, index, index + 1).data });
        }
        const answered = await run('run', ref, '--input', images[0]?.file ?? '');
        expect(answered.code, answered.stdout).toBe(0);
        expect((answered.json() as Answered).answer.labels[0]?.label).toBe(images[0]?.label);
      });

    if (model.features !== undefined)
      test('a CSV file of its golden inputs gives its golden outputs, row by row', async () => {
        const output = join(home.dir, `${model.name}.npz`);
        const answered = await run('run', ref, '--input', join(folder(), 'examples/rows.csv'), '--output', output);
        expect(answered.code, answered.stdout).toBe(0);
        const [golden, found] = [await readNpz(join(from, 'golden.npz')), await readNpz(output)];
        for (const { name } of model.outputs) expectNear(found.get(name), golden.get(`out_${name}`), model);
        const { rows } = (answered.json() as Answered).answer;
        const labels = golden.get('out_label');
        expect(rows.length).toBe(golden.get(`out_${model.metric.output}`)?.dims[0]);
        if (labels) expect(rows.map((row) => row.labels[0]?.index)).toEqual([...toNumbers(labels)]);
      });

    if (model.task === 'text-classification')
      test('its sample texts become the ids its exporter gave, and most are answered rightly', async () => {
        const recipe = parseRecipe(readFileSync(join(folder(), 'recipe.yaml'), 'utf8'));
        const files = new BundleFiles(async (path) => readFileSync(join(folder(), path)));
        const samples = JSON.parse(readFileSync(join(from, 'tokenizer_samples.json'), 'utf8')) as { text: string; label: string; input_ids: number[] }[];
        const inputs = model.inputs.map(({ name, dtype, shape }) => ({ name, type: dtype, dims: shape.map((d) => d ?? 'n') }));
        expect(samples.length).toBeGreaterThan(9);
        for (const { text, input_ids } of samples) {
          const { feeds } = await applyRecipe(recipe, Buffer.from(text), inputs, files);
          const ids = toNumbers(feeds['input_ids'] ?? empty());
          expect([...ids.slice(0, input_ids.length)], text).toEqual(input_ids);
          expect([...toNumbers(feeds['attention_mask'] ?? empty())].filter((x) => x === 1)).toHaveLength(input_ids.length);
        }
        let right = 0;
        for (const { text, label } of samples.slice(0, 5))
          right += Number(((await run('run', ref, '--text', text)).json() as Answered).answer.labels[0]?.label === label);
        expect(right).toBeGreaterThanOrEqual(4);
      });

    if (model.task === 'causal-language-model')
      test('it goes on with a text, the same one each time', async () => {
        const [first, second] = [
          await run('run', ref, '--text', 'The only special operation on a module'),
          await run('run', ref, '--text', 'The only special operation on a module'),
        ];
        expect(first.code, first.stdout).toBe(0);
        expect(first.json()).toMatchObject({ answer: { kind: 'text', tokens: 12, ended: 'length', text: expect.stringMatching(/\S/) as string } });
        expect((second.json() as Answered).answer).toEqual((first.json() as Answered).answer);
      });

    if (model.task === 'time-series-forecast')
      test('a CSV file of measured values is answered in their unit', async () => {
        const [golden, scale] = [await readNpz(join(from, 'golden.npz')), model.metric.output_scale ?? 1];
        const series = toNumbers(sliceRows(golden.get('in_series') ?? empty(), 0, 1));
        const file = join(home.dir, 'series.csv');
        await writeFile(file, `week;co2\n${[...series].map((x, i) => `${i};${350 + scale * x}`).join('\n')}\n`);
        const { answer } = (await run('run', ref, '--input', file)).json() as Answered;
        const forecast = toNumbers(sliceRows(golden.get('out_forecast') ?? empty(), 0, 1));
        answer.values.forEach(({ value }, i) => expect(value).toBeCloseTo(350 + scale * (forecast[i] ?? Number.NaN), 3));
        expect(answer.values.length).toBe(4);
        await rm(file);
      });
  });
}

/** Sums of float32 differ by their order; onnxruntime's differs with its version and the CPU. */
function metricTolerance(model: FixtureModel): number {
  return model.metric.name === 'perplexity' ? 1e-6 : 1e-9;
}

function expectNear(found: Tensor | undefined, want: Tensor | undefined, { golden }: FixtureModel): void {
  const [a, b] = [found ? toNumbers(found) : [], want ? toNumbers(want) : []];
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(Math.abs((a[i] ?? Number.NaN) - (b[i] ?? 0))).toBeLessThanOrEqual(golden.atol + golden.rtol * Math.abs(b[i] ?? 0));
}

function empty(): Tensor {
  return { type: 'float32', dims: [0], data: new Float32Array() };
}
