/**
 * What refers to variants that are here already and comes later: another signature, a bill of materials, a statement. What
 * counts is taken in beside what there is, newer revisions of a signer's bill in the place of older ones; the rest is left
 * out, and never harms what is here.
 */
import type { VariantRecord } from './catalogue.ts';
import type { IncomingVariant } from './incoming.ts';
import { MAX_STRANGERS, MAX_TRUSTED } from './limits.ts';
import type { Descriptor } from './oci.ts';
import type { Counting } from './signers.ts';

export interface Late {
  /** What is to be taken in, as index.json will list it. */
  entries: Descriptor[];
  /** Digests of the manifests whose place it takes. */
  outdated: string[];
  /** Why the rest is left out. */
  ignored: string[];
}

/** As much of a variant that is here as matters; nothing refers to one that is not. */
export type Attended = Pick<VariantRecord, 'signatures' | 'attached'>;
const NOTHING: Attended = { signatures: [], attached: [] };

/**
 * @param here the variant as it is here, where it is
 * @param incoming the same variant, with all that is said to refer to it
 * @param takeStrangers whether what counts nowhere yet is taken too, as far as there is room for it
 */
export function lateReferrers(here: Attended | undefined, incoming: IncomingVariant, counting: ReadonlyMap<string, Counting>, takeStrangers: boolean): Late {
  const late: Late = { entries: [], outdated: [], ignored: [] };
  const there = here ?? NOTHING;
  const known = [...there.signatures, ...there.attached];
  let strangers = known.filter(({ by }) => by === undefined).length;
  let trusted = known.length - strangers;
  for (const entry of incoming.referrers.filter(({ digest }) => !known.some((one) => one.digest === digest))) {
    const counts = counting.get(entry.digest);
    if (!counts && !takeStrangers) late.ignored.push(`${entry.digest} was made by nobody who is trusted here, or is not about this variant`);
    else if (counts && !isNews(there, counts)) continue;
    else if (counts ? ++trusted > MAX_TRUSTED : ++strangers > MAX_STRANGERS) late.ignored.push(TOO_MANY);
    else {
      late.entries.push(entry);
      if (counts) late.outdated.push(...revisionsOf(there, counts).map((one) => one.digest));
    }
  }
  return { ...late, outdated: [...new Set(late.outdated)], ignored: [...new Set(late.ignored)] };
}

const TOO_MANY = `more refers to a variant than is kept, ${MAX_TRUSTED} of those trusted here and ${MAX_STRANGERS} of others`;

/** What the same signer said before of the variant's bill of materials. */
function revisionsOf({ attached }: Attended, { kind, anchor, revision }: Counting) {
  return revision === undefined ? [] : attached.filter((one) => one.kind === kind && one.by?.anchor === anchor && one.revision !== undefined);
}

/** A bill that its signer has replaced since does not come back. */
function isNews(here: Attended, counts: Counting): boolean {
  return revisionsOf(here, counts).every((one) => (one.revision ?? 0) < (counts.revision ?? 0));
}
