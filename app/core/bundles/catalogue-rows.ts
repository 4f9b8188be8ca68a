/** Rows of the catalogue, and what they say in the contract's words. */
import type { BundleSummary, Variant } from '#contract';

export interface BundleRow {
  name: string;
  version: string;
  digest: string;
  created_at: number;
  state: BundleSummary['state'];
  state_reason: string | null;
  state_code: string | null;
  facts: string | null;
}

/** A variant without its documents. */
export type ListedVariant = Omit<VariantRow, 'manifest' | 'source' | 'self' | 'signatures' | 'attached'>;

/** A bundle without what is known of its model. */
export type ListedBundle = Omit<BundleRow, 'facts'>;

export interface VariantRow {
  name: string;
  version: string;
  position: number;
  variant: string;
  digest: string;
  bytes: number;
  precision: string;
  quantization: string | null;
  signer: string | null;
  created_at: number;
  manifest: Buffer;
  source: Buffer;
  self: Buffer;
  signatures: string;
  attached: string;
}

export function variantOf(row: ListedVariant): Variant {
  const { variant, digest, bytes, precision, quantization, signer, created_at } = row;
  return { name: variant, digest, bytes, precision, ...(quantization !== null && { quantization }), signed: signer !== null, createdAt: created_at };
}

export function summaryOf(row: ListedBundle, variants: readonly ListedVariant[]): BundleSummary {
  const list = [...variants].sort((a, b) => a.position - b.position).map(variantOf);
  return {
    name: row.name,
    version: row.version,
    digest: row.digest,
    signed: list.length > 0 && list.every((variant) => variant.signed),
    state: row.state,
    ...(row.state_reason !== null && { stateReason: row.state_reason }),
    ...(row.state_code !== null && { stateCode: row.state_code }),
    createdAt: row.created_at,
    variants: list,
  };
}
