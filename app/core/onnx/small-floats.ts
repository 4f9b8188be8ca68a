/** Floating-point types of at most 16 bits, as tables from bits to value. Bias and special values after the ONNX and OCP definitions. */
import type { TypeName } from './data-types.ts';

interface Layout {
  exponentBits: number;
  mantissaBits: number;
  bias: number;
  /** What the highest exponents mean: as IEEE 754 has it, NaN only with all bits set, NaN only in place of -0, or neither. */
  special: 'ieee' | 'all-ones' | 'negative-zero' | 'none';
}

const LAYOUTS: Partial<Record<TypeName, Layout>> = {
  float16: { exponentBits: 5, mantissaBits: 10, bias: 15, special: 'ieee' },
  bfloat16: { exponentBits: 8, mantissaBits: 7, bias: 127, special: 'ieee' },
  float8e4m3fn: { exponentBits: 4, mantissaBits: 3, bias: 7, special: 'all-ones' },
  float8e4m3fnuz: { exponentBits: 4, mantissaBits: 3, bias: 8, special: 'negative-zero' },
  float8e5m2: { exponentBits: 5, mantissaBits: 2, bias: 15, special: 'ieee' },
  float8e5m2fnuz: { exponentBits: 5, mantissaBits: 2, bias: 16, special: 'negative-zero' },
  float4e2m1: { exponentBits: 2, mantissaBits: 1, bias: 1, special: 'none' },
};

const tables = new Map<TypeName, Float64Array>();

/** The value of every bit pattern of a type; undefined for types that are not such floats. */
export function smallFloatTable(type: TypeName): Float64Array | undefined {
  const known = tables.get(type);
  if (known) return known;
  const table = type === 'float8e8m0' ? exponents() : LAYOUTS[type] && values(LAYOUTS[type]);
  if (table) tables.set(type, table);
  return table;
}

function values({ exponentBits, mantissaBits, bias, special }: Layout): Float64Array {
  const half = 1 << (exponentBits + mantissaBits);
  const top = (1 << exponentBits) - 1;
  const steps = 1 << mantissaBits;
  const table = new Float64Array(half * 2);
  for (let bits = 0; bits < half; bits++) {
    const exponent = bits >> mantissaBits;
    const mantissa = bits & (steps - 1);
    let value = exponent === 0 ? (mantissa / steps) * 2 ** (1 - bias) : (1 + mantissa / steps) * 2 ** (exponent - bias);
    if (special === 'ieee' && exponent === top) value = mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
    if (special === 'all-ones' && bits === half - 1) value = Number.NaN;
    table[bits] = value;
    table[half + bits] = -value;
  }
  if (special === 'negative-zero') table[half] = Number.NaN;
  return table;
}

/** float8e8m0 is an exponent alone: 2^(bits - 127), 255 is NaN. */
function exponents(): Float64Array {
  return Float64Array.from({ length: 256 }, (_, bits) => (bits === 255 ? Number.NaN : 2 ** (bits - 127)));
}
