/** Whether the nodes of a graph fit together: every value is made once, somewhere, and not out of itself. */
import { capturedNames, subgraphs } from './attributes.ts';
import { typeFacts } from './data-types.ts';
import { capital, refuse, shown } from './errors.ts';
import type { Findings } from './findings.ts';
import type { Graph, Node, TypeProto, ValueInfo } from './messages.ts';

/** What both a graph and a function body are to these checks. */
export interface Body {
  title: string;
  node: readonly Node[];
  /** Names that exist before any node runs. */
  given: readonly string[];
  outputs: readonly string[];
  /** ONNX Runtime puts the nodes of the outermost graph into order itself, and of no other. */
  sorts: boolean;
}

/** The values of the bodies around a subgraph. */
export interface Around {
  /** Whether a name can be read from there. */
  sees(name: string): boolean;
  /** Whether it stands for a value there already when the subgraph's node has its turn. */
  has(name: string): boolean;
}

/** Around the outermost graph and around functions there is nothing. */
export const NOTHING_AROUND: Around = { sees: () => false, has: () => false };

export function nodeTitle(node: Node, index: number): string {
  return `${node.name ? `node ${shown(node.name)}` : `node ${index}`} (${shown(node.opType ?? '').slice(1, -1)})`;
}

/** @throws model.duplicate-*, model.missing-*, model.cycle, model.unsorted, model.outer-output, model.bad-type, model.initializer-mismatch */
export function checkGraph(graph: Graph, title: string, findings: Findings, around: Around = NOTHING_AROUND): void {
  const outermost = around === NOTHING_AROUND;
  const inputs = uniqueNames(graph.input, 'input', title);
  const initializers = new Set<string>();
  for (const tensor of [...graph.initializer, ...graph.sparseInitializer.map((sparse) => ({ name: sparse.values?.name }))]) {
    const name = tensor.name ?? '';
    if (name === '') throw refuse('model.missing-name', `An initializer of ${title} has no name.`);
    if (initializers.has(name))
      throw refuse('model.duplicate-initializer', `Two initializers of ${title} have the name ${shown(name)}.`, {
        hint: 'Which of them counts depends on the program that reads it. Export the model again.',
      });
    initializers.add(name);
  }
  uniqueNames(graph.output, 'output', title);
  for (const info of [...graph.input, ...graph.output]) checkType(info.type, info.name ?? '', title, findings);
  if (outermost) graph.input.forEach((info) => requireInputType(info, title));
  const given = [...new Set([...inputs, ...initializers])];
  checkBody({ title, node: graph.node, given, outputs: graph.output.map((info) => info.name ?? ''), sorts: outermost }, findings, around);
}

function requireInputType({ name = '', type }: ValueInfo, title: string): void {
  const tensor = type?.tensorType ?? type?.sparseTensorType;
  const other = type?.sequenceType ?? type?.mapType ?? type?.optionalType ?? type?.opaqueType;
  if (tensor ? (tensor.elemType ?? 0) !== 0 : other) return;
  throw refuse('model.missing-type', `The input ${shown(name)} of ${title} has no type.`, { hint: 'Export the model again.' });
}

function uniqueNames(infos: readonly ValueInfo[], what: string, title: string): Set<string> {
  const names = new Set<string>();
  for (const info of infos) {
    const name = info.name ?? '';
    if (name === '') throw refuse('model.missing-name', `An ${what} of ${title} has no name.`);
    if (names.has(name)) throw refuse('model.duplicate-value', `Two ${what}s of ${title} have the name ${shown(name)}.`);
    names.add(name);
  }
  return names;
}

function checkType(type: TypeProto | undefined, name: string, title: string, findings: Findings): void {
  for (let at = type; at; at = at.sequenceType?.elemType ?? at.optionalType?.elemType ?? at.mapType?.valueType) {
    const tensor = at.tensorType ?? at.sparseTensorType;
    if (!tensor) continue;
    if ((tensor.elemType ?? 0) !== 0 && !typeFacts(tensor.elemType)) {
      throw refuse('model.bad-type', `${shown(name)} of ${title} has an element type that does not exist.`, { found: String(tensor.elemType) });
    }
    for (const dim of tensor.shape?.dim ?? []) {
      if ((dim.dimValue ?? 0n) >= 0n) continue;
      findings.warn(
        'shape.negative',
        `${shown(name)} of ${title} has a negative dimension, ${dim.dimValue}. It is taken for an open one, as ONNX Runtime does.`,
        shown(name),
      );
    }
  }
}

/** @throws as `checkGraph` */
export function checkBody(body: Body, findings: Findings, around: Around): void {
  const given = new Set(body.given);
  const producers = collectProducers(body, given);
  const done = new Set<string>();
  const inside: Around = {
    sees: (name) => given.has(name) || producers.has(name) || around.sees(name),
    has: (name) => given.has(name) || done.has(name) || around.has(name),
  };
  let sorted = true;
  body.node.forEach((node, index) => {
    const who = `${nodeTitle(node, index)} of ${body.title}`;
    for (const name of node.input) {
      if (name === '' || given.has(name) || done.has(name)) continue;
      if (producers.has(name)) sorted = false;
      else if (!around.sees(name)) {
        throw refuse('model.missing-value', `${capital(who)} reads ${shown(name)}, which nothing provides.`, {
          expected: 'an input, an initializer or the output of another node',
        });
      }
    }
    for (const graph of subgraphs(node)) {
      checkGraph(graph, `a subgraph of ${who}`, findings, inside);
      if (sorted) sorted = [...capturedNames(graph)].every((name) => !producers.has(name) || done.has(name));
    }
    for (const name of node.output) {
      if (name !== '' && around.has(name)) throw refuse('model.duplicate-value', `${capital(who)} writes ${shown(name)}, which is a value around it already.`);
      done.add(name);
    }
  });
  if (!sorted) {
    refuseCycle(body, producers);
    if (!body.sorts) throw refuse('model.unsorted', `The nodes of ${body.title} are not in the order they run in.`, { hint: 'Export the model again.' });
    findings.warn('graph.unsorted', `The nodes of ${body.title} are not in the order they run in. ONNX asks for that order; ONNX Runtime sorts them itself.`);
  }
  for (const name of body.outputs) {
    if (given.has(name) || producers.has(name)) continue;
    if (!around.sees(name)) throw refuse('model.missing-value', `Nothing provides the output ${shown(name)} of ${body.title}.`);
    throw refuse('model.outer-output', `The output ${shown(name)} of ${body.title} is a value from around it, which no runtime hands on.`, {
      hint: 'Put an Identity node between the two.',
    });
  }
}

function collectProducers(body: Body, given: ReadonlySet<string>): Map<string, number> {
  const producers = new Map<string, number>();
  const names = new Map<string, number>();
  body.node.forEach((node, index) => {
    const who = `${nodeTitle(node, index)} of ${body.title}`;
    if (!node.opType) throw refuse('model.missing-name', `${capital(who)} has no operator.`);
    if (node.name) {
      const before = names.get(node.name);
      if (before !== undefined)
        throw refuse('model.duplicate-node', `Two nodes of ${body.title} have the name ${shown(node.name)}.`, { found: `nodes ${before} and ${index}` });
      names.set(node.name, index);
    }
    for (const name of node.output) {
      if (name === '') continue;
      const first = producers.get(name);
      if (first !== undefined || given.has(name)) {
        const other = first === undefined ? 'is an input or initializer already' : `is written by ${nodeTitle(body.node[first] ?? node, first)} already`;
        throw refuse('model.duplicate-value', `${capital(who)} writes ${shown(name)}, which ${other}.`);
      }
      producers.set(name, index);
    }
  });
  return producers;
}

/** Takes away nodes whose inputs are all there until none is left; what stays is, or hangs on, a cycle. */
function refuseCycle(body: Body, producers: ReadonlyMap<string, number>): void {
  const waiting = new Array<number>(body.node.length).fill(0);
  const readers = new Map<number, number[]>();
  body.node.forEach((node, index) => {
    const sources = new Set([...node.input, ...subgraphs(node).flatMap((inner) => [...capturedNames(inner)])].flatMap((name) => producers.get(name) ?? []));
    waiting[index] = sources.size;
    for (const source of sources) {
      const list = readers.get(source) ?? [];
      list.push(index);
      readers.set(source, list);
    }
  });
  const ready = body.node.flatMap((_, index) => (waiting[index] === 0 ? [index] : []));
  let left = body.node.length;
  for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
    left--;
    for (const reader of readers.get(at) ?? []) {
      waiting[reader] = (waiting[reader] ?? 0) - 1;
      if (waiting[reader] === 0) ready.push(reader);
    }
  }
  if (left === 0) return;
  const stuck = body.node.flatMap((node, index) => ((waiting[index] ?? 0) > 0 ? [nodeTitle(node, index)] : []));
  throw refuse('model.cycle', `Nodes of ${body.title} wait for each other: none of them could ever run.`, { found: stuck.slice(0, 5).join(', ') });
}
