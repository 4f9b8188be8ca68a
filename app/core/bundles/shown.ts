/** What was found of a bundle's signatures and bills of materials, as people and scripts are told. */
import type { BundleReferrer, Signature, Warning } from '#contract';
import { bomProblem, isBomAltered } from './attachments.ts';
import type { VariantRecord } from './catalogue.ts';

/** The code by which it is said that a variant has no bill of materials that counts. */
export const NO_BOM = 'bundle.no-bom';

/** What is not as it should be, and keeps nobody from using the bundle. */
export function warningsOf({ name, version }: { name: string; version: string }, variants: readonly VariantRecord[]): Warning[] {
  const lacking = variants.flatMap(({ variant, attached }) => {
    const problem = bomProblem(attached);
    return problem && !isBomAltered(problem.code) ? [{ name: variant.name, message: problem.message }] : [];
  });
  const [first] = lacking;
  if (!first) return [];
  return [
    {
      code: NO_BOM,
      message: `${name}@${version} lacks a signed bill of materials for ${lacking.map((one) => one.name).join(', ')}: ${first.message}`,
      hint: `Add it: edgewright bundle sign ${name}@${version} --reason TEXT. Deploying it adds it too.`,
    },
  ];
}

/** What is attached to the variants, those that count first. */
export function referrersOf(variants: readonly VariantRecord[]): BundleReferrer[] {
  const all = variants.flatMap(({ variant, signatures, attached }) => {
    const judged = [...signatures.map((one) => ({ kind: 'signature' as const, ...one })), ...attached];
    return judged.map((one): BundleReferrer => {
      const { kind, digest, by, problem } = one;
      return {
        digest,
        variant: variant.name,
        kind,
        valid: by !== undefined,
        ...('predicateType' in one && { predicateType: one.predicateType }),
        ...('revision' in one && { revision: one.revision }),
        ...(by && { signer: by.id, name: by.name, signerKind: by.kind }),
        ...(problem && { code: problem.code, problem: problem.message }),
      };
    });
  });
  return all.sort((a, b) => Number(b.valid) - Number(a.valid));
}

/** Every signature of a bundle, for people: those that count first. */
export function signaturesOf(variants: readonly VariantRecord[]): Signature[] {
  const all = variants.flatMap(({ variant, signatures }) =>
    signatures.map(
      ({ digest, by, acceptedFrom, problem }): Signature => ({
        digest,
        variant: variant.name,
        trusted: by !== undefined,
        ...(by && { signer: by.id, name: by.name, kind: by.kind }),
        ...(acceptedFrom && { acceptedFrom }),
        ...(problem && { problem: problem.message }),
      }),
    ),
  );
  return all.sort((a, b) => Number(b.trusted) - Number(a.trusted));
}
