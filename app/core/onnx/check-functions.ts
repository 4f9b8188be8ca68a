/** Functions that a model brings along: unique, called as they are declared, and of bounded size once they are expanded. */
import { operatorSchemas } from './operators.ts';
import { capital, refuse, shown } from './errors.ts';
import type { Findings } from './findings.ts';
import { MAX_EXPANDED_NODES } from './limits.ts';
import type { FunctionProto, ModelProto, Node } from './messages.ts';
import { normalDomain } from './model.ts';
import { type Scope, scopes } from './walk.ts';

/** The functions of a model by what a node must say to call them. */
export type Functions = ReadonlyMap<string, FunctionProto>;

function keyOf(domain: string | undefined, name: string | undefined, overload: string | undefined): string {
  return `${normalDomain(domain)}\n${name ?? ''}\n${overload ?? ''}`;
}

export function calledFunction(functions: Functions, node: Node): FunctionProto | undefined {
  return functions.size === 0 ? undefined : functions.get(keyOf(node.domain, node.opType, node.overload));
}

/** @throws model.duplicate-function, model.bad-function, model.recursive-function, model.too-complex */
export function checkFunctions(model: ModelProto, findings: Findings): Functions {
  const functions = new Map<string, FunctionProto>();
  for (const fn of model.functions) {
    if (!fn.name) throw refuse('model.bad-function', 'A function of the model has no name.');
    const key = keyOf(fn.domain, fn.name, fn.overload);
    if (functions.has(key)) throw refuse('model.duplicate-function', `Two functions have the name ${shown(fn.name)}.`);
    functions.set(key, fn);
    checkDeclaration(fn);
    if (operatorSchemas(normalDomain(fn.domain), fn.name)) {
      findings.warn(
        'function.shadows',
        `The function ${shown(fn.name)} has the name of a standard operator of ${shown(normalDomain(fn.domain) || 'ai.onnx')}. Programs differ in which of the two they take.`,
        shown(fn.name),
      );
    }
  }
  refuseEndless(model, functions);
  return functions;
}

function checkDeclaration(fn: FunctionProto): void {
  const who = `function ${shown(fn.name ?? '')}`;
  for (const [what, names] of [
    ['input', fn.input],
    ['output', fn.output],
    ['parameter', [...fn.attribute, ...fn.attributeProto.map((attribute) => attribute.name ?? '')]],
  ] as const) {
    const seen = new Set<string>();
    for (const name of names) {
      if (name === '') throw refuse('model.bad-function', `An ${what} of ${who} has no name.`);
      if (seen.has(name)) throw refuse('model.bad-function', `Two ${what}s of ${who} have the name ${shown(name)}.`);
      seen.add(name);
    }
  }
}

/** The functions that the graph calls, directly or by others. */
export function usedFunctions(model: ModelProto, functions: Functions): ReadonlySet<FunctionProto> {
  const used = new Set<FunctionProto>();
  const waiting = callsIn(scopes({ ...model, functions: [] }), functions).calls;
  for (let fn = waiting.pop(); fn; fn = waiting.pop()) {
    if (used.has(fn)) continue;
    used.add(fn);
    for (const callee of callsOf(fn, functions).calls) waiting.push(callee);
  }
  return used;
}

/** A call gives at most what the function declares. @throws model.bad-signature */
export function checkCall(node: Node, fn: FunctionProto, who: string): void {
  for (const [what, given, declared] of [
    ['inputs', node.input.length, fn.input.length],
    ['outputs', node.output.length, fn.output.length],
  ] as const) {
    if (given > declared) {
      throw refuse('model.bad-signature', `${capital(who)} has more ${what} than the function it calls.`, {
        expected: `at most ${declared}`,
        found: String(given),
      });
    }
  }
}

/**
 * A function that calls itself would be expanded without end; some that each call the next one twice, to more nodes than any
 * memory holds. Counts what each grows to, callees first.
 */
function refuseEndless(model: ModelProto, functions: Functions): void {
  const sizes = new Map<FunctionProto, number>();
  const open = new Set<FunctionProto>();
  /** A stack of our own: a chain of calls may be as long as there are functions. */
  const stack: { fn: FunctionProto; calls: FunctionProto[]; nodes: number; next: number }[] = [];
  const enter = (fn: FunctionProto) => {
    const { calls, nodes } = callsOf(fn, functions);
    open.add(fn);
    stack.push({ fn, calls, nodes, next: 0 });
  };
  for (const start of functions.values()) {
    if (!sizes.has(start)) enter(start);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const callee = top.calls[top.next];
      if (callee === undefined) {
        sizes.set(top.fn, bounded(top.nodes + sum(top.calls, sizes), `The function ${shown(top.fn.name ?? '')}`));
        open.delete(top.fn);
        stack.pop();
      } else if (open.has(callee)) {
        throw refuse('model.recursive-function', `The function ${shown(callee.name ?? '')} calls itself. Expanding it would never end.`);
      } else {
        top.next++;
        if (!sizes.has(callee)) enter(callee);
      }
    }
  }
  if (functions.size === 0 || !model.graph) return;
  const { calls, nodes } = callsIn(scopes({ ...model, functions: [] }), functions);
  bounded(nodes + sum(calls, sizes), 'The graph');
}

function callsOf(fn: FunctionProto, functions: Functions): { calls: FunctionProto[]; nodes: number } {
  return callsIn(scopes({ functions: [fn], opsetImport: [], metadataProps: [], trainingInfo: [] }), functions);
}

function callsIn(where: Iterable<Scope>, functions: Functions): { calls: FunctionProto[]; nodes: number } {
  const calls: FunctionProto[] = [];
  let nodes = 0;
  for (const scope of where) {
    nodes += scope.node.length;
    for (const node of scope.node) {
      const callee = calledFunction(functions, node);
      if (callee) calls.push(callee);
    }
  }
  return { calls, nodes };
}

function sum(calls: readonly FunctionProto[], sizes: ReadonlyMap<FunctionProto, number>): number {
  return calls.reduce((total, callee) => total + (sizes.get(callee) ?? 0), 0);
}

function bounded(nodes: number, who: string): number {
  if (nodes <= MAX_EXPANDED_NODES) return nodes;
  throw refuse('model.too-complex', `${who} grows to more nodes than any real model has once the functions it calls are put in their places.`, {
    expected: `at most ${MAX_EXPANDED_NODES}`,
    found: String(nodes),
  });
}
