/** The report of `inspect`: what a model is, where its bytes are, and what a person should know. Reads no weights. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelReport } from '#contract';
import { readFileIfThere } from '#core/platform';
import { externalPlace, isExternal, resolveExternal } from './external.ts';
import { ModelIndex } from './graph-index.ts';
import { type IndexedTensor, operatorName } from './graph-links.ts';
import { Findings } from './findings.ts';
import { modelFacts } from './inspect.ts';
import { MAX_CONFIG_BYTES, MAX_EXTERNAL_FILES, MAX_REPORT_LIST, MAX_VIEW_TEXT } from './limits.ts';
import { readModel } from './model.ts';
import { countOf, sumOf } from './numbers.ts';
import { originOf } from './origin.ts';
import { cutText, tensorRow } from './tensor-rows.ts';
import { modelWarnings, warnOfFewWeights } from './warnings.ts';

/**
 * Never throws over what the model says: what is wrong with it is a warning here, and for `check` to refuse.
 * @param options.ref what the person named; options.largest how many of the largest tensors are listed
 */
export async function reportOn(index: ModelIndex, options: { ref: string; largest: number }): Promise<ModelReport> {
  const findings = new Findings();
  await warnOfFewWeights(index, findings);
  const { model } = index;
  const external = await externalReport(index);
  const facts = modelFacts(index, external.bytes);
  const origin = originOf(model, { transformers: await transformersBeside(model.dir) });
  const tensors = index.tensors();
  const inner = index.graphs.filter((graph) => graph.kind === 'subgraph');
  return {
    ...facts,
    inputs: facts.inputs.slice(0, MAX_REPORT_LIST).map((info) => ({ ...info, name: cutText(info.name) })),
    outputs: facts.outputs.slice(0, MAX_REPORT_LIST).map((info) => ({ ...info, name: cutText(info.name) })),
    ops: cutRecord(facts.ops),
    metadata: cutRecord(facts.metadata, (value) => cutText(value, MAX_VIEW_TEXT)),
    framework: origin.framework,
    warnings: modelWarnings(index, facts, external, findings),
    ref: options.ref,
    origin,
    modelVersion: countOf(model.modelVersion),
    description: cutText(model.docString || model.graph.docString || '', MAX_VIEW_TEXT),
    tensors: {
      count: tensors.length,
      bytes: sumOf(tensors.map((tensor) => tensor.bytes)),
      largest: largest(tensors, options.largest).map(tensorRow),
    },
    weightsByOp: weightsByOp(index),
    external,
    functions: model.functions.slice(0, MAX_REPORT_LIST).map((fn) => ({
      name: cutText(fn.name ?? ''),
      domain: cutText(fn.domain ?? ''),
      overload: cutText(fn.overload ?? ''),
      nodes: fn.node.length,
    })),
    subgraphs: { count: inner.length, nodes: sumOf(inner.map((graph) => graph.node.length)) },
    sparseInitializers: sumOf(index.graphs.map((graph) => graph.graph?.sparseInitializer.length ?? 0)),
    quantizationAnnotations: sumOf(index.graphs.map((graph) => graph.graph?.quantizationAnnotation.length ?? 0)),
    trainingInfo: model.trainingInfo.length,
  };
}

function cutRecord<T>(record: Readonly<Record<string, T>>, cut: (value: T) => T = (value) => value): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record)
      .slice(0, MAX_REPORT_LIST)
      .map(([key, value]) => [cutText(key), cut(value)]),
  );
}

function largest(tensors: readonly IndexedTensor[], most: number): IndexedTensor[] {
  return tensors.toSorted((a, b) => b.bytes - a.bytes).slice(0, most);
}

function weightsByOp(index: ModelIndex): ModelReport['weightsByOp'] {
  const byOp = new Map<string, { nodes: number; bytes: number }>();
  for (const graph of index.graphs) {
    const { reads, weights } = index.links(graph);
    const counted = new Set<IndexedTensor>();
    graph.node.forEach((node, at) => {
      const op = operatorName(node);
      const entry = byOp.get(op) ?? { nodes: 0, bytes: 0 };
      byOp.set(op, entry);
      entry.nodes++;
      for (const name of reads[at] ?? []) {
        const weight = weights.get(name);
        if (!weight || counted.has(weight)) continue;
        counted.add(weight);
        entry.bytes += weight.bytes;
      }
    });
  }
  return [...byOp]
    .map(([op, entry]) => ({ op: cutText(op), nodes: entry.nodes, bytes: Math.min(entry.bytes, Number.MAX_SAFE_INTEGER) }))
    .sort((a, b) => b.bytes - a.bytes || b.nodes - a.nodes)
    .slice(0, MAX_REPORT_LIST);
}

/** The files that hold external data; one that is not there, or may not be used, with the reason. */
async function externalReport(index: ModelIndex): Promise<ModelReport['external']> {
  const files = new Map<string, { location: string; tensors: number; bytes: number; problem?: string }>();
  const checked = new Set<string>();
  for (const { tensor } of index.tensors()) {
    if (!isExternal(tensor)) continue;
    const location = tensor.externalData.find((entry) => entry.key === 'location')?.value ?? '';
    const file = files.get(location) ?? { location: cutText(location), tensors: 0, bytes: 0 };
    if (!files.has(location) && files.size >= MAX_EXTERNAL_FILES) continue;
    files.set(location, file);
    file.tensors++;
    if (checked.has(location)) continue;
    checked.add(location);
    try {
      const { path } = await resolveExternal(
        index.model.dir,
        { ...tensor, externalData: [{ key: 'location', value: externalPlace(tensor).location }] },
        undefined,
      );
      file.bytes = path === index.model.path ? 0 : (await lstat(path)).size;
    } catch (error) {
      file.problem = cutText(error instanceof Error ? error.message : String(error));
    }
  }
  const list = [...files.values()];
  return { files: list, bytes: sumOf(list.map((file) => file.bytes)), missing: list.filter((file) => file.problem !== undefined).length };
}

/** Hugging Face exports keep the model's config.json beside it. */
async function transformersBeside(dir: string): Promise<string | undefined> {
  const text = await readFileIfThere(join(dir, 'config.json'), MAX_CONFIG_BYTES).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const config: unknown = JSON.parse(text.toString('utf8'));
    if (typeof config !== 'object' || config === null || !('transformers_version' in config)) return undefined;
    return typeof config.transformers_version === 'string' ? config.transformers_version.slice(0, 40) : undefined;
  } catch {
    return undefined;
  }
}

/** The report on a file, in one go. @throws what `readModel` throws */
export async function reportOnFile(path: string, options: { largest: number }): Promise<ModelReport> {
  return reportOn(new ModelIndex(await readModel(path)), { ref: path, ...options });
}
