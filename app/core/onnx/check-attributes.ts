/** Whether a node's attributes are those its operator takes, hold what they say, and make sense. */
import { AttributeType } from './attributes.ts';
import { typeFacts } from './data-types.ts';
import { capital, refuse, shown } from './errors.ts';
import type { Findings } from './findings.ts';
import type { Attribute, Node } from './messages.ts';
import { normalDomain } from './model.ts';
import type { OperatorSchema } from './operators.ts';

/** What a body may refer to: the parameters of the function it is the body of; undefined in a graph, which has none. */
export type FunctionParameters = ReadonlySet<string> | undefined;

const TYPE_NAMES = new Map<number, string>(Object.entries(AttributeType).map(([name, type]) => [type, name]));

/** Which fields of an attribute hold its value, by type. */
const FILLED: readonly [number, (attribute: Attribute) => boolean][] = [
  [AttributeType.float, (a) => a.f !== undefined],
  [AttributeType.int, (a) => a.i !== undefined],
  [AttributeType.string, (a) => a.s !== undefined],
  [AttributeType.tensor, (a) => a.t !== undefined],
  [AttributeType.graph, (a) => a.g !== undefined],
  [AttributeType.sparseTensor, (a) => a.sparseTensor !== undefined],
  [AttributeType.typeProto, (a) => a.tp !== undefined],
  [AttributeType.floats, (a) => a.floats.length > 0],
  [AttributeType.ints, (a) => a.ints.length > 0],
  [AttributeType.strings, (a) => a.strings.length > 0],
  [AttributeType.tensors, (a) => a.tensors.length > 0],
  [AttributeType.graphs, (a) => a.graphs.length > 0],
  [AttributeType.sparseTensors, (a) => a.sparseTensors.length > 0],
  [AttributeType.typeProtos, (a) => a.typeProtos.length > 0],
];
/** Those that must be there when the type says so: of numbers and text, some writers leave out what is 0 or empty. */
const NEEDED: ReadonlySet<number> = new Set([AttributeType.tensor, AttributeType.graph, AttributeType.sparseTensor, AttributeType.typeProto]);

/**
 * What holds for any attribute, whatever the operator.
 * @throws model.bad-attribute, model.duplicate-attribute
 */
export function checkAttributeForms(node: Node, who: string, parameters: FunctionParameters, findings: Findings): void {
  const names = new Set<string>();
  for (const attribute of node.attribute) {
    const name = attribute.name ?? '';
    if (name === '') throw bad(who, 'has an attribute without a name');
    if (names.has(name)) throw refuse('model.duplicate-attribute', `${capital(who)} has the attribute ${shown(name)} twice.`);
    names.add(name);
    const type = attribute.type ?? 0;
    const filled = FILLED.filter(([, has]) => has(attribute)).map(([kind]) => kind);
    if (attribute.refAttrName) {
      if (parameters === undefined) throw bad(who, `takes its attribute ${shown(name)} from a parameter, but is not in a function`);
      if (!parameters.has(attribute.refAttrName)) {
        const parameter = shown(attribute.refAttrName);
        findings.warn(
          'function.parameter',
          `${capital(who)} takes its attribute ${shown(name)} from ${parameter}, which its function has not. ONNX Runtime leaves it out.`,
        );
      }
      if (filled.length > 0) throw bad(who, `both holds its attribute ${shown(name)} and takes it from a parameter`);
      continue;
    }
    if (!TYPE_NAMES.has(type)) throw bad(who, `does not say of what type its attribute ${shown(name)} is`, 'a type', String(type));
    if (filled.some((kind) => kind !== type) || (filled.length === 0 && NEEDED.has(type))) {
      throw bad(who, `has an attribute ${shown(name)} that holds something else than it says`, typeName(type), filled.map(typeName).join(' and ') || 'nothing');
    }
  }
}

function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? String(type);
}

/**
 * What the operator asks for: known names, types, and all that are required.
 * @throws model.bad-attribute
 */
export function checkAttributes(node: Node, schema: OperatorSchema, who: string): void {
  for (const attribute of node.attribute) {
    const name = attribute.name ?? '';
    const wanted = schema.attributes.get(name);
    if (!wanted) {
      // The runtime lets pass what begins with two underscores: notes that programs leave for themselves.
      if (schema.openAttributes || name.startsWith('__')) continue;
      const known = [...schema.attributes.keys()].join(', ');
      throw bad(who, `has the attribute ${shown(name)}, which its operator does not take in this operator set`, known || 'no attributes', shown(name));
    }
    if (attribute.type !== wanted.type && attribute.type !== undefined) throw wrongType(who, name, wanted.type, attribute.type);
    if (!attribute.refAttrName) checkValue(node.opType ?? '', attribute, who);
  }
  if (node.opType === 'Constant' && normalDomain(node.domain) === '') {
    const values = node.attribute.filter((attribute) => schema.attributes.has(attribute.name ?? ''));
    if (values.length !== 1) throw bad(who, 'does not hold one value', 'one attribute with the value', String(values.length));
  }
  for (const [name, { required }] of schema.attributes) {
    if (required && !node.attribute.some((attribute) => attribute.name === name))
      throw bad(who, `lacks the attribute ${shown(name)}, which its operator needs`);
  }
}

function wrongType(who: string, name: string, wanted: number, found: number) {
  return bad(who, `has an attribute ${shown(name)} of the wrong type`, typeName(wanted), typeName(found));
}

/** Convolutions and pools, whose numbers mean steps and sizes. */
const WINDOWED = /(Conv|ConvTranspose|ConvInteger|QLinearConv|Pool)$/;
const AUTO_PADS: ReadonlySet<string> = new Set(['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']);
const TYPE_ATTRIBUTES: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype', 'output_datatype', 'stash_type']);

function checkValue(opType: string, attribute: Attribute, who: string): void {
  const name = attribute.name ?? '';
  if (TYPE_ATTRIBUTES.has(name) && attribute.type === AttributeType.int) {
    const value = Number(attribute.i ?? 0n);
    // 0 stands for "as the input" where it is allowed at all.
    if (value !== 0 && !typeFacts(value))
      throw bad(who, `names in ${shown(name)} an element type that does not exist`, 'a number of an element type', String(value));
  }
  if (opType === 'Transpose' && name === 'perm') {
    const seen = new Set(attribute.ints);
    const whole = attribute.ints.every((axis) => axis >= 0n && axis < BigInt(attribute.ints.length));
    if (seen.size !== attribute.ints.length || !whole) throw bad(who, "has a 'perm' that is not an order of axes", 'each axis once', list(attribute.ints));
  }
  if (!WINDOWED.test(opType)) return;
  if ((name === 'strides' || name === 'dilations' || name === 'kernel_shape') && attribute.ints.some((value) => value <= 0n)) {
    throw bad(who, `has ${shown(name)} with a number below 1`, 'numbers of at least 1', list(attribute.ints));
  }
  if (name === 'pads' && attribute.ints.some((value) => value < 0n)) throw bad(who, "has 'pads' below 0", 'numbers of at least 0', list(attribute.ints));
  if (name === 'group' && (attribute.i ?? 1n) <= 0n) throw bad(who, "has a 'group' below 1", 'at least 1', String(attribute.i));
  if (name === 'auto_pad') {
    const value = Buffer.from(attribute.s ?? new Uint8Array()).toString('utf8');
    if (!AUTO_PADS.has(value)) throw bad(who, "has an 'auto_pad' that does not exist", [...AUTO_PADS].join(', '), shown(value));
  }
}

function list(values: readonly bigint[]): string {
  return values.length > 16 ? `[${values.slice(0, 16).join(', ')}, …]` : `[${values.join(', ')}]`;
}

function bad(who: string, what: string, expected?: string, found?: string) {
  return refuse('model.bad-attribute', `${capital(who)} ${what}.`, { ...(expected !== undefined && { expected }), ...(found !== undefined && { found }) });
}
