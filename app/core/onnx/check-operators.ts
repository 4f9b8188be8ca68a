/** Whether ONNX Runtime knows every operator, in the version the model asks for, with that many inputs and outputs. */
import { nodeTitle } from './check-graph.ts';
import { refuse, shown } from './errors.ts';
import type { Findings } from './findings.ts';
import { MAX_IR_VERSION } from './limits.ts';
import type { FunctionProto, ModelProto, Node } from './messages.ts';
import { normalDomain, opsetsOf } from './model.ts';
import { isKnownDomain, NEWEST_OPSET, operatorSignatures, similarOperator } from './operators.ts';
import { scopes } from './walk.ts';

const functionKey = (domain: string | undefined, name: string | undefined) => `${normalDomain(domain)}\n${name ?? ''}`;

/** @throws model.ir-version, model.no-opset, model.opset-too-new, model.unknown-op, model.bad-signature, model.recursive-function */
export function checkOperators(model: ModelProto, findings: Findings): void {
  checkVersions(model);
  const functions = new Map<string, FunctionProto>();
  for (const fn of model.functions) {
    const key = functionKey(fn.domain, fn.name) + (fn.overload ? `\n${fn.overload}` : '');
    if (functions.has(key)) throw refuse('model.duplicate-function', `Two functions have the name ${shown(fn.name ?? '')}.`);
    functions.set(key, fn);
  }
  refuseRecursion(model.functions);
  const opsets = opsetsOf(model);
  const local = new Set(model.functions.map((fn) => functionKey(fn.domain, fn.name)));
  let opsetsHere = opsets;
  for (const scope of scopes(model)) {
    if (scope.function) opsetsHere = new Map([...opsets, ...opsetsOf(scope.function)]);
    scope.node.forEach((node, index) => {
      if (!local.has(functionKey(node.domain, node.opType))) checkNode(node, `${nodeTitle(node, index)} of ${scope.title}`, opsetsHere, findings);
    });
  }
}

function checkVersions(model: ModelProto): void {
  const ir = model.irVersion;
  if (ir !== undefined && (ir < 0n || ir > BigInt(MAX_IR_VERSION))) {
    throw refuse('model.ir-version', 'The model uses a version of the ONNX format that does not exist or is too new.', {
      expected: `IR version ${MAX_IR_VERSION} or older`,
      found: `IR version ${ir}`,
      hint: 'Export it with an older version of the exporter.',
    });
  }
  if (model.opsetImport.length === 0)
    throw refuse('model.no-opset', 'The model does not say which operator set it uses.', { hint: 'Export it again with a current exporter.' });
  const seen = new Map<string, bigint>();
  for (const opset of model.opsetImport) {
    const domain = normalDomain(opset.domain);
    const title = domain || 'ai.onnx';
    const version = opset.version ?? 0n;
    // Some exporters say the same thing twice; two different versions would mean two different models.
    if ((seen.get(domain) ?? version) !== version) {
      throw refuse('model.duplicate-opset', `The model names two versions of the operator set ${shown(title)}.`, {
        found: `${seen.get(domain)} and ${version}`,
      });
    }
    seen.set(domain, version);
    const newest = NEWEST_OPSET.get(domain);
    if (version < 0n || (newest !== undefined && version > BigInt(newest))) {
      throw refuse('model.opset-too-new', `Operator set ${version} of ${shown(title)} does not exist, or is newer than this ONNX Runtime knows.`, {
        expected: `version ${newest ?? 1} or older`,
        found: `version ${version}`,
        hint: 'Export it with an older operator set.',
      });
    }
  }
}

function checkNode(node: Node, who: string, opsets: ReadonlyMap<string, number>, findings: Findings): void {
  const domain = normalDomain(node.domain);
  const opType = node.opType ?? '';
  const title = `${domain || 'ai.onnx'}.${opType}`;
  const signatures = operatorSignatures(domain, opType);
  if (!signatures) {
    const like = similarOperator(domain, opType);
    throw refuse('model.unknown-op', `${capital(who)} uses the operator ${shown(title)}, which ONNX Runtime does not know.`, {
      found: shown(title),
      hint: isKnownDomain(domain)
        ? like
          ? `Perhaps ${like} was meant.`
          : 'Export the model with standard operators.'
        : `Operators of the domain ${shown(domain)} come from a custom library. Export the model with standard operators, or as a local function.`,
    });
  }
  const version = opsets.get(domain);
  if (version === undefined) {
    if (domain === '')
      throw refuse('model.no-opset', `${capital(who)} uses the operator ${shown(title)}, but the model names no version of that operator set.`);
    findings.warn('opset.not-named', `The model uses operators of ${shown(domain)} without naming their version. ONNX Runtime takes the newest.`);
  }
  const signature = signatures.findLast((candidate) => candidate.since <= (version ?? Number.POSITIVE_INFINITY));
  if (!signature || signature.deprecated) {
    throw refuse('model.unknown-op', `${capital(who)} uses the operator ${shown(title)}, which is not part of operator set ${version}.`, {
      expected: signature ? `an operator set older than ${signature.since}` : `operator set ${signatures[0]?.since} or newer`,
      found: `operator set ${version}`,
    });
  }
  let inputs = node.input.length;
  while (inputs > 0 && node.input[inputs - 1] === '') inputs--;
  if (node.input.length < signature.inputs.least || inputs > signature.inputs.most) throw badCount(who, 'inputs', signature.inputs, node.input.length);
  let outputs = node.output.length;
  while (outputs > 0 && node.output[outputs - 1] === '') outputs--;
  if (node.output.length < signature.outputs.least || outputs > signature.outputs.most) throw badCount(who, 'outputs', signature.outputs, node.output.length);
}

function badCount(who: string, what: string, range: { least: number; most: number }, found: number) {
  const most = Number.isFinite(range.most) ? (range.most === range.least ? `${range.least}` : `${range.least} to ${range.most}`) : `at least ${range.least}`;
  return refuse('model.bad-signature', `${capital(who)} has the wrong number of ${what}.`, { expected: most, found: String(found) });
}

/** A function that calls itself, directly or by others, would be expanded without end. */
function refuseRecursion(functions: readonly FunctionProto[]): void {
  const calls = new Map<string, string[]>();
  const known = new Set(functions.map((fn) => functionKey(fn.domain, fn.name)));
  const names = new Map<string, string>();
  for (const fn of functions) {
    const key = functionKey(fn.domain, fn.name);
    names.set(key, fn.name ?? '');
    const called: string[] = [];
    for (const scope of scopes({ functions: [fn], opsetImport: [], metadataProps: [], trainingInfo: [] })) {
      for (const node of scope.node) {
        const callee = functionKey(node.domain, node.opType);
        if (known.has(callee)) called.push(callee);
      }
    }
    calls.set(key, [...(calls.get(key) ?? []), ...called]);
  }
  const finished = new Set<string>();
  for (const start of calls.keys()) {
    const path: { key: string; next: number }[] = [{ key: start, next: 0 }];
    const onPath = new Set([start]);
    while (path.length > 0) {
      const top = path[path.length - 1];
      if (!top) break;
      const callee = calls.get(top.key)?.[top.next++];
      if (callee === undefined) {
        finished.add(top.key);
        onPath.delete(top.key);
        path.pop();
      } else if (onPath.has(callee)) {
        throw refuse('model.recursive-function', `The function ${shown(names.get(callee) ?? '')} calls itself. Expanding it would never end.`);
      } else if (!finished.has(callee)) {
        onPath.add(callee);
        path.push({ key: callee, next: 0 });
      }
    }
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
