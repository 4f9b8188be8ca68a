/** The same colour and symbol for the same variant everywhere: readable without telling colours apart. */

export interface VariantStyle {
  /** Name of the token, without `var()`. */
  token: string;
  symbol: 'circle' | 'rect' | 'triangle' | 'diamond' | 'roundRect' | 'pin';
}

const STYLES: readonly VariantStyle[] = [
  { token: '--variant-1', symbol: 'circle' },
  { token: '--variant-2', symbol: 'triangle' },
  { token: '--variant-3', symbol: 'rect' },
  { token: '--variant-4', symbol: 'diamond' },
  { token: '--variant-5', symbol: 'roundRect' },
  { token: '--variant-6', symbol: 'pin' },
];
const FALLBACK: VariantStyle = { token: '--variant-6', symbol: 'circle' };
const KNOWN = ['fp32', 'int8-dynamic', 'int8-static', 'fp16', 'int4'];

export function variantStyle(name: string): VariantStyle {
  const known = KNOWN.indexOf(name);
  if (known >= 0) return STYLES[known] ?? FALLBACK;
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 997;
  return STYLES[hash % STYLES.length] ?? FALLBACK;
}

export function tokenFor(name: string): string {
  return variantStyle(name).token;
}
