/** The operators that ONNX Runtime 1.30 knows, in all their versions: inputs, outputs, element types, attributes. */
import table from './operators.json' with { type: 'json' };
import { AttributeType } from './attributes.ts';
import { normalDomain } from './model.ts';

/** One input or output of an operator. */
export interface Parameter {
  name: string;
  /** `variadic` takes any number of values of one type, `mixed` any number of any types. */
  kind: 'single' | 'optional' | 'variadic' | 'mixed';
  /** The type variable, where inputs and outputs with the same one are of the same type. */
  variable: string | undefined;
  /** The types it takes, as `valueTypeName` writes them. */
  types: ReadonlySet<string>;
}

export interface AttributeSchema {
  /** A value of `AttributeType`. */
  type: number;
  required: boolean;
}

export interface OperatorSchema {
  /** Operator set version from which on this one holds. */
  since: number;
  /** No longer an operator from this version on. */
  deprecated: boolean;
  inputs: { least: number; most: number };
  outputs: { least: number; most: number };
  inputParameters: readonly Parameter[];
  outputParameters: readonly Parameter[];
  attributes: ReadonlyMap<string, AttributeSchema>;
  /** Takes attributes that are not listed. */
  openAttributes: boolean;
}

/** Newest operator set version per domain that ONNX Runtime 1.30 supports officially. */
export const NEWEST_OPSET: ReadonlyMap<string, number> = new Map([
  ['', 26],
  ['ai.onnx.ml', 5],
  ['com.microsoft', 1],
  ['ai.onnx.training', 1],
  ['ai.onnx.preview.training', 1],
]);

const SETS: readonly ReadonlySet<string>[] = table.sets.map((text) => new Set(text.split(' ').map(ownTypeName)));

/** Lines of the table by domain and operator; parsed when an operator is first asked for. */
const LINES = new Map<string, ReadonlyMap<string, readonly string[]>>(
  Object.entries(table.domains).map(([domain, operators]) => [normalDomain(domain), new Map(Object.entries(operators))]),
);
const parsed = new Map<readonly string[], readonly OperatorSchema[]>();

/** The runtime says `float` and `double` where this room says float32 and float64. */
function ownTypeName(name: string): string {
  return name.replace(/\bfloat\b/g, 'float32').replace(/\bdouble\b/g, 'float64');
}

/** One line; its form is written down in tools/operator-table.py. */
function parse(line: string): OperatorSchema {
  const [head = '', inputs = '', outputs = '', types = '', attributes = ''] = line.split('|');
  const [since = '', inputCount, outputCount] = head.split(':');
  const variables = new Map(
    words(types).map((word) => {
      const [name = '', index] = word.split('=');
      return [name, SETS[Number(index)] ?? new Set<string>()] as const;
    }),
  );
  return {
    since: Number.parseInt(since, 10),
    deprecated: since.includes('!'),
    openAttributes: since.includes('~'),
    inputs: range(inputCount),
    outputs: range(outputCount),
    inputParameters: words(inputs).map((word) => parameter(word, variables)),
    outputParameters: words(outputs).map((word) => parameter(word, variables)),
    attributes: new Map(words(attributes).map(attributeOf)),
  };
}

const KINDS: Readonly<Record<string, Parameter['kind']>> = { '': 'single', '?': 'optional', '*': 'variadic', '**': 'mixed' };

function parameter(word: string, variables: ReadonlyMap<string, ReadonlySet<string>>): Parameter {
  const [, name = '', mark = '', sign, type = ''] = /^(.*?)(\?|\*\*|\*)?([:=])(.*)$/.exec(word) ?? [];
  const kind = KINDS[mark] ?? 'single';
  if (sign === ':') return { name, kind, variable: type, types: variables.get(type) ?? new Set() };
  return { name, kind, variable: undefined, types: new Set([ownTypeName(type)]) };
}

const ATTRIBUTE_TYPES: Readonly<Record<string, number>> = AttributeType;

function attributeOf(word: string): readonly [string, AttributeSchema] {
  const [name = '', kind = ''] = word.split(':');
  return [name, { type: ATTRIBUTE_TYPES[kind.replace('!', '')] ?? 0, required: kind.endsWith('!') }];
}

function range(text = ''): { least: number; most: number } {
  const [least, most] = text.split('-');
  return { least: Number(least), most: most === '*' ? Number.POSITIVE_INFINITY : Number(most) };
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

export function isKnownDomain(domain: string): boolean {
  return LINES.has(domain);
}

/** All versions of an operator, oldest first; undefined when there is none. */
export function operatorSchemas(domain: string, opType: string): readonly OperatorSchema[] | undefined {
  const lines = LINES.get(domain)?.get(opType);
  if (!lines) return undefined;
  const schemas = parsed.get(lines) ?? lines.map(parse);
  parsed.set(lines, schemas);
  return schemas;
}

/** The version of an operator that holds in an operator set; the newest where none is named. It may be deprecated there. */
export function operatorSchema(domain: string, opType: string, opset: number | undefined): OperatorSchema | undefined {
  return operatorSchemas(domain, opType)?.findLast((schema) => schema.since <= (opset ?? Number.POSITIVE_INFINITY));
}

/** The operator of the same domain whose name is nearest, for "did you mean". */
export function similarOperator(domain: string, opType: string): string | undefined {
  const wanted = opType.toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const name of LINES.get(domain)?.keys() ?? []) {
    if (Math.abs(name.length - wanted.length) > 2) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance <= 2 && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min((row[j - 1] ?? 0) + 1, (previous[j] ?? 0) + 1, (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** Whether any operator set of any domain has an operator of this name. */
export function isOperatorName(name: string): boolean {
  return [...NEWEST_OPSET.keys()].some((domain) => operatorSchemas(domain, name) !== undefined);
}
