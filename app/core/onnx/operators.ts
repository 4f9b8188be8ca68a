/** The operators that ONNX Runtime 1.30 knows, from which version on, and how many inputs and outputs they take. */
import table from './operators.json' with { type: 'json' };
import { normalDomain } from './model.ts';

export interface OperatorSignature {
  /** Operator set version from which on this signature holds. */
  since: number;
  inputs: { least: number; most: number };
  outputs: { least: number; most: number };
  deprecated: boolean;
}

/** Newest operator set version per domain that ONNX Runtime 1.30 supports officially. */
export const NEWEST_OPSET: ReadonlyMap<string, number> = new Map([
  ['', 26],
  ['ai.onnx.ml', 5],
  ['com.microsoft', 1],
  ['ai.onnx.training', 1],
  ['ai.onnx.preview.training', 1],
]);

const DOMAINS = new Map<string, Map<string, OperatorSignature[]>>(
  Object.entries(table.domains).map(([domain, operators]) => [
    normalDomain(domain),
    new Map(Object.entries(operators).map(([name, text]) => [name, parse(text)])),
  ]),
);

function parse(text: string): OperatorSignature[] {
  return text.split(' ').map((item) => {
    const [since, inputs, outputs] = item.replace('!', '').split(':');
    return { since: Number(since), inputs: range(inputs), outputs: range(outputs), deprecated: item.endsWith('!') };
  });
}

function range(text = ''): { least: number; most: number } {
  const [least, most] = text.split('-');
  return { least: Number(least), most: most === '*' ? Number.POSITIVE_INFINITY : Number(most) };
}

export function isKnownDomain(domain: string): boolean {
  return DOMAINS.has(domain);
}

/** All signatures of an operator, oldest first; undefined when no version of it exists. */
export function operatorSignatures(domain: string, opType: string): readonly OperatorSignature[] | undefined {
  return DOMAINS.get(domain)?.get(opType);
}

/** The operator of the same domain whose name is nearest, for "did you mean". */
export function similarOperator(domain: string, opType: string): string | undefined {
  const wanted = opType.toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const name of DOMAINS.get(domain)?.keys() ?? []) {
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
