import { describe, expect, it } from 'vitest';
import {
  MAX_OUTLINE_ITEMS,
  MAX_SHOWN_NODES,
  NeighbourhoodSchema,
  NodeDetailSchema,
  NodePageSchema,
  OutlineSchema,
  TensorPageSchema,
  TensorStatsSchema,
} from '#contract';
import {
  makeAttribute,
  makeNode,
  makeTensor,
  ModelIndex,
  type ModelProto,
  neighbourhoodOf,
  nodeDetail,
  nodePage,
  outlineOf,
  readModel,
  tensorPage,
  tensorStats,
} from '#core/onnx';
import { fixture, graph, model, saved, value } from './models.ts';

async function indexed(proto: ModelProto): Promise<ModelIndex> {
  return new ModelIndex(await readModel(await saved(proto)));
}

/** t0 -> Add -> t1 -> Add … */
function chain(length: number, name: (i: number) => string = (i) => `add_${i}`): ModelProto {
  return model({
    node: Array.from({ length }, (_, i) => makeNode('Add', [`t${i}`, 'one'], [`t${i + 1}`], { name: name(i) })),
    input: [value('t0')],
    output: [value(`t${length}`)],
    initializer: [makeTensor('one', 'float32', [], Float32Array.of(1))],
  });
}

const all = { search: '', ops: [], limit: 200 };

describe('nodePage', () => {
  it('goes through every node once, page by page', async () => {
    const index = await indexed(chain(450));
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = nodePage(index, { ...all, after });
      expect(page.total).toBe(450);
      ids.push(...NodePageSchema.parse(page).nodes.map((node) => node.id));
      after = page.last;
    } while (after !== undefined);
    expect(ids).toEqual(Array.from({ length: 450 }, (_, i) => `0.${i}`));
  });

  it('finds by name, operator and value, whatever the case, in every graph', async () => {
    const inner = graph({ node: [makeNode('Mul', ['x', 'x'], ['squared'], { name: 'inside' })], output: [value('squared')] });
    const branch = { ...makeAttribute('then_branch', { int: 0 }), i: undefined, g: inner, type: 5 };
    const index = await indexed(
      model({ node: [makeNode('If', ['c'], ['y'], { name: 'choice', attribute: [branch] })], input: [value('c', [], 9), value('x')], output: [value('y')] }),
    );
    const found = (search: string) => nodePage(index, { ...all, search }).nodes.map((node) => node.name);
    expect(found('CHOICE')).toEqual(['choice']);
    expect(found('mul')).toEqual(['inside']);
    expect(found('squared')).toEqual(['inside']);
    expect(found('')).toEqual(['choice', 'inside']);
    expect(nodePage(index, { ...all, ops: ['If'] }).total).toBe(1);
    expect(nodePage(index, { ...all, graph: 1 }).nodes.map((node) => node.id)).toEqual(['1.0']);
  });
});

describe('nodeDetail', () => {
  it('says where each input comes from and who reads each output', async () => {
    const index = new ModelIndex(await readModel(fixture('digits/model.onnx')));
    const conv = nodePage(index, { ...all, ops: ['Conv'] }).nodes[1];
    const detail = NodeDetailSchema.parse(await nodeDetail(index, conv?.id ?? ''));
    expect(detail.inputs.map((input) => input.origin)).toEqual(['node', 'weight', 'weight']);
    expect(detail.inputs[1]?.tensor).toMatchObject({ type: 'float32', stored: { kind: 'inside' } });
    expect(detail.outputs[0]?.readers).toBe(1);
    expect(detail.attributes.find((attribute) => attribute.name === 'group')).toMatchObject({ type: 'int' });
  });

  it('cuts what is too long for a screen, and stays text whatever the model holds', async () => {
    const attribute = [
      makeAttribute('ints', { ints: Array.from({ length: 10_000 }, (_, i) => i) }),
      makeAttribute('text', { text: 'x'.repeat(100_000) }),
      makeAttribute('tensor', { tensor: makeTensor('t', 'int64', [3], BigInt64Array.of(1n, 2n, 3n)) }),
    ];
    const index = await indexed(
      model({ node: [makeNode('Relu', ['\u001b[31m'], ['y'], { name: 'n'.repeat(50_000), attribute })], input: [value('\u001b[31m')], output: [value('y')] }),
    );
    const detail = await nodeDetail(index, '0.0');
    expect(JSON.stringify(detail).length).toBeLessThan(10_000);
    expect(detail.attributes.map(({ cut }) => cut)).toEqual([true, true, false]);
    expect(detail.attributes[2]?.value).toBe('int64[3] = 1, 2, 3');
  });

  it('refuses an id that names nothing', async () => {
    const index = await indexed(chain(3));
    await expect(nodeDetail(index, '0.3')).rejects.toMatchObject({ code: 'usage.unknown-node', owner: 'usage' });
    await expect(nodeDetail(index, '7.0')).rejects.toMatchObject({ code: 'usage.unknown-graph' });
  });
});

describe('neighbourhoodOf', () => {
  it('shows as many steps as asked, with what flows between, and counts what it hides', async () => {
    const index = await indexed(chain(100));
    const around = NeighbourhoodSchema.parse(neighbourhoodOf(index, { kind: 'node', id: '0.50', hops: 2, direction: 'both' }));
    expect(around.vertices.map((vertex) => vertex.id)).toEqual(['0.48', '0.49', '0.50', '0.51', '0.52']);
    expect(around.edges.map(({ from, to, value }) => [from, to, value])).toEqual([
      ['0.49', '0.50', 't50'],
      ['0.48', '0.49', 't49'],
      ['0.50', '0.51', 't51'],
      ['0.51', '0.52', 't52'],
    ]);
    expect(around.vertices.map((vertex) => (vertex.kind === 'node' ? vertex.hidden : 0))).toEqual([1, 0, 0, 0, 1]);
    expect(around.cut).toBe(false);
  });

  it('shows the ends of the graph', async () => {
    const index = await indexed(chain(2));
    const { vertices, edges } = neighbourhoodOf(index, { kind: 'range', graph: 0, from: 0 });
    expect(vertices.map((vertex) => vertex.kind)).toEqual(['node', 'node', 'input', 'output']);
    expect(edges).toHaveLength(3);
  });

  it('is never larger than a picture may be', async () => {
    const fan = model({
      node: Array.from({ length: 3_000 }, (_, i) => makeNode('Relu', ['x'], [`y${i}`])),
      input: [value('x')],
      output: Array.from({ length: 3_000 }, (_, i) => value(`y${i}`)),
    });
    const index = await indexed(fan);
    const picture = neighbourhoodOf(index, { kind: 'range', graph: 0, from: 0 });
    expect(picture.vertices.filter((vertex) => vertex.kind === 'node')).toHaveLength(MAX_SHOWN_NODES);
    expect(picture.vertices.length).toBeLessThanOrEqual(2 * MAX_SHOWN_NODES);
    expect(picture.cut).toBe(true);
    const known = new Set(picture.vertices.map((vertex) => vertex.id));
    expect(picture.edges.every((edge) => known.has(edge.from) && known.has(edge.to))).toBe(true);
  });
});

describe('outlineOf', () => {
  it('folds nodes by the modules in their names', async () => {
    const names = ['/stem/Conv', '/layers/0/attn/MatMul', '/layers/0/attn/Add', '/layers/0/mlp/Gemm', '/layers/1/mlp/Gemm', '/head/Gemm'];
    const index = await indexed(chain(names.length, (i) => names[i] ?? ''));
    const top = OutlineSchema.parse(outlineOf(index, 0, 0));
    expect(top.by).toBe('node names');
    expect(top.items.map(({ label, nodes }) => [label, nodes])).toEqual([
      ['stem', 1],
      ['layers', 4],
      ['head', 1],
    ]);
    expect(top.edges.map(({ from, to, values }) => [from, to, values])).toEqual([
      [top.items[0]?.id, top.items[1]?.id, 1],
      [top.items[1]?.id, top.items[2]?.id, 1],
    ]);
    const layers = outlineOf(index, 0, top.items[1]?.part ?? -1);
    expect(layers.path.map(({ label }) => label)).toEqual(['layers']);
    expect(layers.items.map(({ label }) => label)).toEqual(['0', '1/mlp']);
    expect(nodePage(index, { ...all, graph: 0, part: layers.part }).total).toBe(4);
  });

  it('reads the scopes that PyTorch leaves', async () => {
    const proto = chain(3, (i) => `node_add_${i}`);
    proto.graph?.node.forEach((node, i) =>
      node.metadataProps.push({ key: 'pkg.torch.onnx.name_scopes', value: `['', 'features', 'features.${i}', 'add_${i}']` }),
    );
    const index = await indexed(proto);
    expect(outlineOf(index, 0, 0)).toMatchObject({ by: 'PyTorch scopes', items: [{ label: 'features', nodes: 3 }] });
    expect(nodePage(index, { ...all }).nodes.map((node) => node.module)).toEqual(['features/0', 'features/1', 'features/2']);
  });

  it.each([150, 201, 5_000, 60_000])('divides a flat graph of %i nodes until every level can be looked at', async (length) => {
    const index = await indexed(chain(length, () => ''));
    let nodes = 0;
    const open = (part: number) => {
      const { items } = outlineOf(index, 0, part);
      expect(items.length).toBeLessThanOrEqual(MAX_OUTLINE_ITEMS);
      for (const item of items) {
        if (item.kind === 'node') nodes++;
        else if (length <= 5_000) open(item.part ?? -1);
        else nodes += item.nodes;
      }
    };
    open(0);
    expect(nodes).toBe(length);
  });
});

describe('tensors', () => {
  it('lists them by size, name or order', async () => {
    const index = new ModelIndex(await readModel(fixture('digits/model.onnx')));
    const page = (sort: 'bytes' | 'name' | 'order') => TensorPageSchema.parse(tensorPage(index, { search: '', types: [], sort, limit: 5 }));
    const bytes = page('bytes').tensors.map((tensor) => tensor.bytes);
    expect(bytes).toEqual([...bytes].sort((a, b) => b - a));
    const names = page('name').tensors.map((tensor) => tensor.name);
    expect(names).toEqual([...names].sort());
    expect(page('order').tensors[0]?.id).toBe('0.0');
    expect(tensorPage(index, { search: '', types: ['int64'], sort: 'order', limit: 200 }).tensors.every((tensor) => tensor.type === 'int64')).toBe(true);
  });

  it('counts a tensor of many megabytes in pieces', async () => {
    const values = Float32Array.from({ length: 1_000_003 }, (_, i) => (i % 4) - 1);
    values[7] = Number.NaN;
    values[8] = Number.POSITIVE_INFINITY;
    const index = await indexed(
      model({ node: [], input: [value('x')], output: [value('x')], initializer: [makeTensor('w', 'float32', [values.length], values)] }),
    );
    const { numbers } = TensorStatsSchema.parse(await tensorStats(index, '0.0'));
    const finite = values.filter(Number.isFinite);
    expect(numbers).toMatchObject({ min: -1, max: 2, zeros: finite.filter((v) => v === 0).length, notANumber: 1, infinite: 1 });
    expect(numbers?.mean).toBeCloseTo(finite.reduce((a, b) => a + b, 0) / finite.length, 6);
    expect(numbers?.histogram.reduce((a, b) => a + b, 0)).toBe(finite.length);
  });
});
