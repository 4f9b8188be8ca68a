/** Models of scikit-learn, LightGBM and XGBoost the whole way in; all other fixtures in fixture-bundles.long.test.ts. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli, throwAwayDir } from '../../lib/cli.ts';
import { fixtureModels } from '../../lib/fixture-bundles.ts';
import { describeWayIn } from '../../lib/way-in.ts';

const root = join(import.meta.dirname, '../../fixtures/models');

describeWayIn(fixtureModels(root), root);

test('probabilities as a sequence of maps are left out, which is said; the label is answered as text', async () => {
  const { dir, remove } = await throwAwayDir('zipmap');
  try {
    const home = join(dir, 'home');
    const source = join(dir, 'iris');
    await mkdir(source);
    await copyFile(join(root, 'iris/zipmap.onnx'), join(source, 'model.onnx'));
    await writeFile(join(source, 'recipe.yaml'), '{kind: table, columns: [sepal length, sepal width, petal length, petal width]}');
    await writeFile(join(source, 'edgewright.yaml'), 'name: iris\nversion: 1.0.0\nmodel: model.onnx\nrecipe: recipe.yaml\n');
    const built = await cli(['bundle', 'build', source], { home });
    expect(built.code, built.stderr).toBe(0);
    expect(built.stdout).toContain('The output output_probability is a sequence(map(string, float32))');
    const rows = join(dir, 'rows.csv');
    await writeFile(rows, 'petal length,petal width,sepal length,sepal width\n1.4,0.2,5.1,3.5\n6.0,2.5,6.3,3.3\n');
    const answered = await cli(['run', 'iris@1.0.0', '--input', rows, '--json'], { home });
    expect(answered.json()).toMatchObject({
      answer: { kind: 'rows', total: 2, rows: [{ tensors: [{ name: 'output_label', preview: ['setosa'] }] }, { tensors: [{ preview: ['virginica'] }] }] },
    });
    await writeFile(
      join(source, 'edgewright.yaml'),
      'name: iris\nversion: 2.0.0\nmodel: model.onnx\nmetric: {name: top1_accuracy, output: output_probability}\n',
    );
    expect((await cli(['bundle', 'build', source, '--json'], { home })).json()).toMatchObject({
      error: { code: 'bundle.metric-output', expected: 'output_label' },
    });
  } finally {
    await remove();
  }
});
