/** References: `name@version[#variant]`, or the digest of a bundle or variant. */
import { DigestSchema, NameSchema, VersionSchema } from '#contract';
import { misused } from './errors.ts';
import { VARIANT_NAME } from './manifest.ts';

export type Ref = { kind: 'name'; name: string; version: string; variant?: string } | { kind: 'digest'; digest: string };

/** @throws usage.ref */
export function parseRef(text: string): Ref {
  if (DigestSchema.safeParse(text).success) return { kind: 'digest', digest: text };
  const [, name, version, variant] = /^([^@#]+)@([^@#]+)(?:#([^@#]+))?$/.exec(text) ?? [];
  const sound = NameSchema.safeParse(name).success && VersionSchema.safeParse(version).success && (variant === undefined || VARIANT_NAME.test(variant));
  if (name === undefined || version === undefined || !sound) {
    throw misused('usage.ref', 'This does not name a bundle.', {
      expected: 'name@version, name@version#variant or a digest',
      found: text.slice(0, 200),
      hint: 'edgewright bundle list shows what there is.',
    });
  }
  return { kind: 'name', name, version, ...(variant !== undefined && { variant }) };
}
