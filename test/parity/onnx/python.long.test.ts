/**
 * What we read and write against Python's onnx package: every fixture, and models it makes with everything ONNX has. Needs a
 * Python with onnx 1.23, named by EDGEWRIGHT_PYTHON; says so loudly where there is none.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  embedExternalData,
  externalizeModel,
  type Graph,
  makeNode,
  ModelIndex,
  type Node,
  readModel,
  subgraphs,
  type TensorProto,
  tensorData,
  tensorStats,
  writeModel,
} from '#core/onnx';

const PYTHON = process.env.EDGEWRIGHT_PYTHON ?? 'python3';
const shared = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'fixtures');

function python<T>(...args: string[]): T {
  const script = join(import.meta.dirname, 'reference.py');
  return JSON.parse(
    execFileSync(PYTHON, [script, ...args], { encoding: 'utf8', timeout: 300_000, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] }),
  ) as T;
}

function hasOnnx(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import onnx; assert onnx.IR_VERSION >= 13'], { stdio: 'ignore', timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

const present = hasOnnx();
if (!present) console.warn(`SKIPPED: ${PYTHON} has no onnx of IR version 13 or newer; name one that has with EDGEWRIGHT_PYTHON.`);

const made = present ? mkdtempSync(join(tmpdir(), 'ew-python-onnx-')) : '';
const generated = present ? python<string[]>('make', made).map((name) => join(made, name)) : [];
/** Files that Python cannot parse, or whose data must not be found, are for `check`. */
const readable = /^(valid_|nan_|hostile_strings|js_property|ten_thousand|scalar_and_empty|string_input|cycle|self_loop)/;
const fixtures =
  present && existsSync(shared)
    ? readdirSync(shared, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.onnx') && (!name.startsWith('hostile') || readable.test(basename(name))))
        .map((name) => join(shared, name))
    : [];
const files = [...generated, ...fixtures];

interface Described {
  name: string;
  type: number;
  dims: number[];
  text?: string[];
  complex?: boolean;
  count?: number;
  min: number | null;
  max: number | null;
  mean: number | null;
  zeros: number;
  nan: number;
  infinite: number;
}

/** In the order of reference.py: a graph's own, then those of its subgraphs. */
function* tensorsOf(graph: Graph): Generator<TensorProto> {
  yield* graph.initializer;
  for (const { values, indices } of graph.sparseInitializer) {
    if (values) yield values;
    if (indices) yield indices;
  }
  yield* inNodes(graph.node);
}

function* inNodes(nodes: readonly Node[]): Generator<TensorProto> {
  for (const { attribute } of nodes) for (const { t, tensors } of attribute) yield* t ? [t, ...tensors] : tensors;
  for (const node of nodes) for (const graph of subgraphs(node)) yield* tensorsOf(graph);
}

describe.skipIf(!present)('against Python', () => {
  it('reads the same elements of every tensor of every type', { timeout: 600_000 }, async () => {
    const described = python<Described[][]>('describe', ...files);
    let compared = 0;
    for (const [i, path] of files.entries()) {
      const model = await readModel(path);
      const index = new ModelIndex(model);
      const ids = new Map(index.tensors().map((row) => [row.tensor, `${row.graph}.${row.index}`]));
      const ours = [...tensorsOf(model.graph), ...model.functions.flatMap((fn) => [...inNodes(fn.node)])];
      expect(ours.map((tensor) => [tensor.name ?? '', tensor.dataType, tensor.dims.map(Number)])).toEqual(
        described[i]?.map(({ name, type, dims }) => [name, type, dims]),
      );
      for (const [at, tensor] of ours.entries()) {
        const theirs = described[i]?.[at];
        if (!theirs) throw new Error('fewer tensors');
        if (theirs.text) expect(await tensorData(model.dir, tensor), `${path} ${theirs.name}`).toEqual(theirs.text);
        else if (theirs.complex) expect(await tensorData(model.dir, tensor)).toHaveLength((theirs.count ?? 0) * 2);
        else {
          const { numbers } = await tensorStats(index, ids.get(tensor) ?? '');
          expect(numbers, `${path} ${theirs.name}`).toMatchObject({
            min: theirs.min,
            max: theirs.max,
            zeros: theirs.zeros,
            notANumber: theirs.nan,
            infinite: theirs.infinite,
          });
          if (theirs.mean !== null)
            expect(Math.abs((numbers?.mean ?? Number.NaN) - theirs.mean)).toBeLessThanOrEqual(
              1e-9 * Math.max(1, Math.abs(theirs.min ?? 0), Math.abs(theirs.max ?? 0)),
            );
        }
        compared++;
      }
    }
    console.log(`compared ${compared} tensors of ${files.length} models`);
    expect(compared).toBeGreaterThan(200);
  });

  it('splits and joins so that Python finds every message and element as it was', { timeout: 600_000 }, async () => {
    const pairs: string[] = [];
    for (const [i, path] of files.entries()) {
      const dir = mkdtempSync(join(made, `${i}-`));
      await externalizeModel(await readModel(path), join(dir, 'split.onnx'), { threshold: 256 });
      await externalizeModel(await readModel(path), join(dir, 'apart.onnx'), { threshold: 256, layout: 'file per tensor', checksums: true });
      await writeModel(await embedExternalData(await readModel(join(dir, 'split.onnx'))), join(dir, 'joined.onnx'));
      for (const name of ['split.onnx', 'apart.onnx', 'joined.onnx']) pairs.push(path, join(dir, name));
    }
    const same = python<boolean[]>('same', ...pairs);
    expect(pairs.filter((_, i) => i % 2 === 1 && !same[(i - 1) / 2])).toEqual([]);
  });

  it('writes back every byte, and what it changes reads in Python as meant', async () => {
    for (const path of files) {
      const copy = join(mkdtempSync(join(made, 'copy-')), 'copy.onnx');
      await writeModel(await readModel(path), copy);
      expect(readFileSync(copy).equals(readFileSync(path)), path).toBe(true);
    }
    const source = join(made, 'everything.onnx');
    const model = await readModel(source);
    model.graph.node.push(makeNode('Relu', ['y'], ['z'], { name: 'added' }));
    const changed = join(made, 'changed.onnx');
    await writeModel(model, changed);
    model.graph.node.pop();
    await writeModel(model, join(made, 'back.onnx'));
    expect(python<boolean[]>('same', source, changed, source, join(made, 'back.onnx'))).toEqual([false, true]);
  });
});
