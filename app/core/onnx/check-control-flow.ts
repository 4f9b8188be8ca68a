/** Whether a node that runs subgraphs hands them what they take, and takes what they give. */
import { findAttribute, intAttribute } from './attributes.ts';
import { capital, refuse } from './errors.ts';
import type { Graph, Node } from './messages.ts';
import { normalDomain } from './model.ts';

/** @throws model.bad-subgraph */
export function checkControlFlow(node: Node, opset: number, who: string): void {
  if (normalDomain(node.domain) !== '') return;
  if (node.opType === 'If') return checkIf(node, who);
  const body = findAttribute(node, 'body')?.g;
  if (!body) return;
  if (node.opType === 'Loop') return checkLoop(node, body, who);
  if (node.opType === 'Scan') return checkScan(node, body, opset, who);
}

function checkIf(node: Node, who: string): void {
  for (const name of ['then_branch', 'else_branch']) {
    const branch = findAttribute(node, name)?.g;
    if (!branch) continue;
    counted(who, `${name} has`, 'inputs', 0, openInputs(branch));
    counted(who, `${name} has`, 'outputs', node.output.length, branch.output.length);
  }
}

/** The body takes the trip number, the condition and the state; it gives the condition, the state, and what is gathered. */
function checkLoop(node: Node, body: Graph, who: string): void {
  const state = Math.max(0, node.input.length - 2);
  if (node.input.slice(2).includes('')) throw unfit(who, 'leaves out a value that its body carries on');
  counted(who, 'body has', 'inputs', 2 + state, body.input.length);
  counted(who, 'body has', 'outputs', node.output.length + 1, body.output.length);
  if (body.output.length < 1 + state)
    throw unfit(who, 'has a body that does not give back what it carries on', `at least ${1 + state} outputs`, String(body.output.length));
}

function checkScan(node: Node, body: Graph, opset: number, who: string): void {
  // Before operator set 9 the first input told how long each sequence is.
  const given = node.input.length - (opset < 9 ? 1 : 0);
  const scanned = intAttribute(node, 'num_scan_inputs', 1);
  if (scanned < 1 || scanned > given) throw unfit(who, 'walks over more inputs than it has, or over none', `1 to ${given}`, String(scanned));
  counted(who, 'body has', 'inputs', given, body.input.length);
  counted(who, 'body has', 'outputs', node.output.length, body.output.length);
  if (body.output.length < given - scanned)
    throw unfit(who, 'has a body that does not give back its state', `at least ${given - scanned} outputs`, String(body.output.length));
}

/** Inputs of a graph that have no value of their own. */
function openInputs(graph: Graph): number {
  const own = new Set(graph.initializer.map((tensor) => tensor.name ?? ''));
  return graph.input.filter((info) => !own.has(info.name ?? '')).length;
}

function counted(who: string, whose: string, what: string, expected: number, found: number): void {
  if (found !== expected) throw unfit(who, `does not fit its subgraph: ${whose} another number of ${what}`, String(expected), String(found));
}

function unfit(who: string, what: string, expected?: string, found?: string) {
  return refuse('model.bad-subgraph', `${capital(who)} ${what}.`, { ...(expected !== undefined && { expected }), ...(found !== undefined && { found }) });
}
