/** Whether the types and dimensions of values fit the nodes that read them, followed through the graph as far as they are certain. */
import { findAttribute, intAttribute, subgraphs } from './attributes.ts';
import { calledFunction, type Functions } from './check-functions.ts';
import { nodeTitle } from './check-graph.ts';
import { typeFacts } from './data-types.ts';
import { capital, refuse, shown } from './errors.ts';
import type { Findings } from './findings.ts';
import type { Graph, Node } from './messages.ts';
import { normalDomain, type OnnxModel, opsetsOf } from './model.ts';
import { type OperatorSchema, operatorSchema, type Parameter } from './operators.ts';
import type { ShapeCase } from './shape-case.ts';
import { inferShapes } from './shape-rules.ts';
import { callerSized } from './caller-sizes.ts';
import { knownNumbers } from './known-numbers.ts';
import { declaredDims, dimsText, tensorValue, type Value, Values, valueTypeName } from './values.ts';

interface Setting {
  opsets: ReadonlyMap<string, number>;
  functions: Functions;
  findings: Findings;
}

/** @throws model.type-mismatch, model.bad-shape, model.initializer-mismatch */
export function checkValues(model: OnnxModel, functions: Functions, findings: Findings): void {
  const values = new Values();
  const initializers = new Set(model.graph.initializer.map((tensor) => tensor.name ?? ''));
  for (const { name = '', type } of model.graph.input) {
    values.set(name, { type: valueTypeName(type), dims: declaredDims(type), fromCaller: !initializers.has(name) });
  }
  for (const tensor of model.graph.initializer) {
    const name = tensor.name ?? '';
    const own = tensorValue(tensor);
    const declared = values.get(name);
    if (declared) compareDeclared(name, own, declared);
    // A default that callers may replace is no constant; before IR version 4 every initializer was declared as an input too.
    values.set(name, declared && (model.irVersion ?? 0n) >= 4n ? { ...own, numbers: undefined } : own);
  }
  checkNodes(model.graph, values, { opsets: opsetsOf(model), functions, findings }, 'the graph');
  for (const { name = '', type } of model.graph.output) {
    const wanted = valueTypeName(type);
    const found = values.get(name)?.type;
    if (wanted !== undefined && found !== undefined && wanted !== found) {
      throw refuse('model.type-mismatch', `The output ${shown(name)} of the graph is declared with another type than it has.`, {
        expected: found,
        found: wanted,
      });
    }
  }
}

function compareDeclared(name: string, own: Value, declared: Value): void {
  const sized =
    !own.dims ||
    !declared.dims ||
    (own.dims.length === declared.dims.length && own.dims.every((dim, i) => declared.dims?.[i] === undefined || declared.dims[i] === dim));
  if (sized && (own.type === declared.type || declared.type === undefined)) return;
  throw refuse('model.initializer-mismatch', `The initializer ${shown(name)} is not what the input of the same name is declared as.`, {
    expected: `${declared.type ?? 'any type'} ${dimsText(declared.dims)}`,
    found: `${own.type ?? '?'} ${dimsText(own.dims)}`,
  });
}

function checkNodes(graph: Graph, values: Values, setting: Setting, title: string): void {
  const declared = new Map(graph.valueInfo.map((info) => [info.name ?? '', info.type]));
  graph.node.forEach((node, index) => {
    const who = `${nodeTitle(node, index)} of ${title}`;
    for (const inner of subgraphs(node)) {
      const seen = new Values(values);
      // What a subgraph is handed changes from turn to turn.
      for (const info of inner.input) seen.set(info.name ?? '', {});
      for (const tensor of inner.initializer) seen.set(tensor.name ?? '', tensorValue(tensor));
      checkNodes(inner, seen, setting, `a subgraph of ${who}`);
    }
    const inputs = node.input.map((name) => (name === '' ? undefined : values.get(name)));
    const outputs = outputsOf(node, inputs, who, setting);
    node.output.forEach((name, i) => {
      if (name === '') return;
      const own = outputs[i] ?? {};
      const wanted = valueTypeName(declared.get(name));
      if (wanted !== undefined && own.type !== undefined && wanted !== own.type) {
        throw refuse('model.type-mismatch', `${capital(who)} gives ${shown(name)} another type than the model declares for it.`, {
          expected: wanted,
          found: own.type,
        });
      }
      values.set(name, own);
    });
  });
}

function outputsOf(node: Node, inputs: readonly (Value | undefined)[], who: string, setting: Setting): Value[] {
  const fromCaller = node.opType !== 'Shape' && node.opType !== 'Size' && inputs.some((input) => input?.fromCaller);
  const domain = normalDomain(node.domain);
  const schema = calledFunction(setting.functions, node) ? undefined : operatorSchema(domain, node.opType ?? '', setting.opsets.get(domain));
  if (!schema) return node.output.map(() => ({ fromCaller }));
  const bound = bindTypes(node, inputs, schema, who);
  const one: ShapeCase = {
    node,
    inputs,
    since: schema.since,
    misfit: (why, expected, found) =>
      refuse('model.bad-shape', `${capital(who)} ${why}.`, { ...(expected !== undefined && { expected }), ...(found !== undefined && { found }) }),
  };
  const shapes = domain === '' ? inferShapes(one) : [];
  const sized = callerSized(node, inputs);
  if (sized) {
    setting.findings.warn(
      'graph.size-from-input',
      `${capital(who)} makes a tensor as large as the values of the model's inputs say. Whoever calls the model decides how much memory it takes.`,
      shown(node.name || node.output[0] || ''),
    );
  }
  return node.output.map((_, i) => ({
    type: outputType(node, schema, bound, inputs, i),
    dims: shapes[i],
    numbers: i === 0 && domain === '' ? knownNumbers(one) : undefined,
    fromCaller,
  }));
}

function parameterAt(parameters: readonly Parameter[], index: number): Parameter | undefined {
  return parameters[Math.min(index, parameters.length - 1)];
}

/** Which type each type variable of the operator stands for in this node. */
function bindTypes(node: Node, inputs: readonly (Value | undefined)[], schema: OperatorSchema, who: string): Map<string, string> {
  const bound = new Map<string, string>();
  const boundBy = new Map<string, string>();
  inputs.forEach((input, index) => {
    const parameter = parameterAt(schema.inputParameters, index);
    const type = input?.type;
    if (!parameter || type === undefined) return;
    const name = shown(node.input[index] ?? '');
    if (parameter.types.size > 0 && !parameter.types.has(type)) {
      throw refuse('model.type-mismatch', `${capital(who)} takes ${name} as its input ${shown(parameter.name)}, whose type it does not take.`, {
        expected: few(parameter.types),
        found: type,
      });
    }
    if (parameter.variable === undefined || parameter.kind === 'mixed') return;
    const before = bound.get(parameter.variable);
    if (before !== undefined && before !== type) {
      throw refuse('model.type-mismatch', `${capital(who)} takes inputs of different types that must be of one.`, {
        expected: `${before}, as ${boundBy.get(parameter.variable) ?? ''}`,
        found: `${type} (${name})`,
      });
    }
    bound.set(parameter.variable, type);
    boundBy.set(parameter.variable, name);
  });
  return bound;
}

function few(types: ReadonlySet<string>): string {
  const all = [...types];
  return all.length > 12 ? `${all.slice(0, 12).join(', ')} …` : all.join(', ');
}

/** Operators that say the type of their output in an attribute, and what it is when they do not: an input's type, or one of their own. */
const TYPED_BY: ReadonlyMap<string, readonly [attribute: string, fallback: number | string | undefined]> = new Map([
  ['Cast', ['to', undefined]],
  ['RandomNormal', ['dtype', 'float32']],
  ['RandomUniform', ['dtype', 'float32']],
  ['RandomNormalLike', ['dtype', 0]],
  ['RandomUniformLike', ['dtype', 0]],
  ['Bernoulli', ['dtype', 0]],
  ['EyeLike', ['dtype', 0]],
  ['Multinomial', ['dtype', 'int32']],
]);

function outputType(
  node: Node,
  schema: OperatorSchema,
  bound: ReadonlyMap<string, string>,
  inputs: readonly (Value | undefined)[],
  index: number,
): string | undefined {
  const op = node.opType ?? '';
  const typed = normalDomain(node.domain) === '' ? TYPED_BY.get(op) : undefined;
  if (typed) {
    const [attribute, fallback] = typed;
    const number = intAttribute(node, attribute, 0);
    if (number !== 0) return typeFacts(number)?.name;
    return typeof fallback === 'number' ? inputs[fallback]?.type : fallback;
  }
  if (op === 'Constant') return constantType(node);
  if (op === 'ConstantOfShape') {
    const value = findAttribute(node, 'value')?.t;
    return value ? typeFacts(value.dataType)?.name : 'float32';
  }
  const parameter = parameterAt(schema.outputParameters, index);
  if (!parameter || parameter.kind === 'mixed') return undefined;
  const own = parameter.variable === undefined ? undefined : bound.get(parameter.variable);
  if (own !== undefined) return own;
  // A type that nothing but an attribute decides (as QuantizeLinear's) is open.
  return parameter.types.size === 1 ? [...parameter.types][0] : undefined;
}

function constantType(node: Node): string | undefined {
  const tensor = findAttribute(node, 'value')?.t;
  if (tensor) return typeFacts(tensor.dataType)?.name;
  const kinds: readonly [string, string][] = [
    ['value_float', 'float32'],
    ['value_floats', 'float32'],
    ['value_int', 'int64'],
    ['value_ints', 'int64'],
    ['value_string', 'string'],
    ['value_strings', 'string'],
  ];
  return kinds.find(([name]) => findAttribute(node, name))?.[1];
}
