import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SignerKind } from '#contract';
import { countingBom, type JudgedAttachment } from '../../../app/core/bundles/attachments.ts';

const bill = (kind: SignerKind, revision: number, digest = `sha256:${kind}${revision}`): JudgedAttachment => ({
  kind: 'bom',
  digest,
  content: digest,
  revision,
  by: { id: kind, name: kind, kind, anchor: kind },
});

test('our own bill counts before that of anybody, whatever revision they say theirs is; of our own the newest', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 }), fc.array(fc.maxSafeNat(), { maxLength: 4 }), (ours, theirs) => {
      const all = [...theirs.map((revision) => bill('signer', revision)), ...ours.map((revision) => bill('self', revision))];
      expect(countingBom(all)).toMatchObject({ by: { kind: 'self' }, revision: Math.max(...ours) });
    }),
  );
  expect(countingBom([bill('self', 1), bill('signer', Number.MAX_SAFE_INTEGER)])).toMatchObject({ by: { kind: 'self' } });
});

test('where we have none, the newest of somebody trusted; what nobody trusted signed never', () => {
  const { by, ...unsigned } = bill('signer', 9);
  expect(countingBom([unsigned])).toBeUndefined();
  expect(countingBom([unsigned, bill('signer', 2), bill('administrator', 3)])).toMatchObject({ revision: 3 });
  // The order in which they are found decides nothing.
  const [one, other] = [bill('signer', 2, 'sha256:b'), bill('administrator', 2, 'sha256:a')];
  expect(countingBom([one, other])).toEqual(countingBom([other, one]));
});
