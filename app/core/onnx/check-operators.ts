/** Whether ONNX Runtime knows every operator in the version the model asks for, and each node gives it what it takes. */
import { checkAttributeForms, checkAttributes } from './check-attributes.ts';
import { checkControlFlow } from './check-control-flow.ts';
import { calledFunction, checkCall, type Functions, usedFunctions } from './check-functions.ts';
import { nodeTitle } from './check-graph.ts';
import { capital, refuse, shown } from './errors.ts';
import type { Findings } from './findings.ts';
import { MAX_IR_VERSION } from './limits.ts';
import type { ModelProto, Node } from './messages.ts';
import { normalDomain, opsetsOf } from './model.ts';
import { isKnownDomain, NEWEST_OPSET, operatorSchema, operatorSchemas, similarOperator } from './operators.ts';
import { scopes } from './walk.ts';

/** @throws model.ir-version, model.no-opset, model.duplicate-opset, model.opset-too-new */
export function checkVersions(model: ModelProto): void {
  const ir = model.irVersion;
  if (ir === undefined || ir < 0n || ir > BigInt(MAX_IR_VERSION)) {
    throw refuse('model.ir-version', 'The model names no version of the ONNX format, or one that does not exist or is too new.', {
      expected: `IR version ${MAX_IR_VERSION} or older`,
      found: ir === undefined ? 'none' : `IR version ${ir}`,
      hint: 'Export it with an older version of the exporter.',
    });
  }
  if (model.opsetImport.length === 0)
    throw refuse('model.no-opset', 'The model does not say which operator set it uses.', { hint: 'Export it again with a current exporter.' });
  checkOpsets(model.opsetImport, 'The model');
  for (const fn of model.functions) checkOpsets(fn.opsetImport, `Function ${shown(fn.name ?? '')}`);
}

function checkOpsets(opsets: ModelProto['opsetImport'], who: string): void {
  const seen = new Map<string, bigint>();
  for (const opset of opsets) {
    const domain = normalDomain(opset.domain);
    const title = domain || 'ai.onnx';
    const version = opset.version ?? 0n;
    // Some exporters say the same thing twice; two different versions would mean two different models.
    if ((seen.get(domain) ?? version) !== version) {
      throw refuse('model.duplicate-opset', `${who} names two versions of the operator set ${shown(title)}.`, {
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

/** @throws model.unknown-op, model.bad-signature, model.bad-attribute, model.duplicate-attribute, model.no-opset */
export function checkOperators(model: ModelProto, functions: Functions, findings: Findings): void {
  const opsets = opsetsOf(model);
  let opsetsHere = opsets;
  let parameters: ReadonlySet<string> | undefined;
  const used = usedFunctions(model, functions);
  /** ONNX Runtime does not look into functions that nobody calls. */
  let called = true;
  for (const scope of scopes(model)) {
    if (scope.function) {
      called = used.has(scope.function);
      if (!called) findings.warn('function.unused', `The function ${shown(scope.function.name ?? '')} is never called.`);
      opsetsHere = new Map([...opsets, ...opsetsOf(scope.function)]);
      parameters = new Set([...scope.function.attribute, ...scope.function.attributeProto.map((attribute) => attribute.name ?? '')]);
    }
    scope.node.forEach((node, index) => {
      const who = `${nodeTitle(node, index)} of ${scope.title}`;
      checkAttributeForms(node, who, parameters, findings);
      const fn = calledFunction(functions, node);
      if (fn) checkCall(node, fn, who);
      else if (called) checkNode(node, who, opsetsHere, findings);
    });
  }
}

function checkNode(node: Node, who: string, opsets: ReadonlyMap<string, number>, findings: Findings): void {
  const domain = normalDomain(node.domain);
  const opType = node.opType ?? '';
  const schemas = operatorSchemas(domain, opType);
  if (!schemas) throw unknownOperator(domain, opType, who);
  const version = opsets.get(domain);
  if (version === undefined) {
    if (domain === '')
      throw refuse(
        'model.no-opset',
        `${capital(who)} uses the operator ${operatorTitle(domain, opType)}, but the model names no version of that operator set.`,
      );
    findings.warn('opset.not-named', `The model uses operators of ${shown(domain)} without naming their version. ONNX Runtime takes the newest.`);
  }
  const schema = operatorSchema(domain, opType, version);
  if (!schema || schema.deprecated) {
    throw refuse('model.unknown-op', `${capital(who)} uses the operator ${operatorTitle(domain, opType)}, which is not part of operator set ${version}.`, {
      expected: schema ? `an operator set older than ${schema.since}` : `operator set ${schemas[0]?.since} or newer`,
      found: `operator set ${version}`,
    });
  }
  checkCount(node.input, schema.inputs, 'inputs', who);
  checkCount(node.output, schema.outputs, 'outputs', who);
  schema.inputParameters.forEach((parameter, index) => {
    if (parameter.kind === 'single' && node.input[index] === '') {
      throw refuse('model.bad-signature', `${capital(who)} leaves out its input ${shown(parameter.name)}, which its operator needs.`);
    }
  });
  schema.outputParameters.forEach((parameter, index) => {
    if (parameter.kind === 'single' && node.output[index] === '') {
      throw refuse('model.bad-signature', `${capital(who)} leaves out its output ${shown(parameter.name)}, which its operator gives.`);
    }
  });
  checkAttributes(node, schema, who);
  checkControlFlow(node, version ?? schema.since, who);
}

function operatorTitle(domain: string, opType: string): string {
  return shown(`${domain || 'ai.onnx'}.${opType}`);
}

function unknownOperator(domain: string, opType: string, who: string) {
  const title = operatorTitle(domain, opType);
  const like = similarOperator(domain, opType);
  return refuse('model.unknown-op', `${capital(who)} uses the operator ${title}, which ONNX Runtime does not know.`, {
    found: title,
    hint: isKnownDomain(domain)
      ? like
        ? `Perhaps ${like} was meant.`
        : 'Export the model with standard operators.'
      : `Operators of the domain ${shown(domain)} come from a custom library. Export the model with standard operators, or as a local function.`,
  });
}

/** Values left out at the end are not counted: an empty name is how they are left out. */
function checkCount(names: readonly string[], range: { least: number; most: number }, what: string, who: string): void {
  let count = names.length;
  while (count > 0 && names[count - 1] === '') count--;
  if (names.length >= range.least && count <= range.most) return;
  const most = Number.isFinite(range.most) ? (range.most === range.least ? `${range.least}` : `${range.least} to ${range.most}`) : `at least ${range.least}`;
  throw refuse('model.bad-signature', `${capital(who)} has the wrong number of ${what}.`, { expected: most, found: String(names.length) });
}
