/** Why a bundle cannot be used, in words, and what a person can do about it: each reason has ways out of its own. */
import type { BundleSummary } from '#contract';

/** `sign`: this workspace signs it. `trust`: its signer is trusted. `verify`: it is read. `again`: it is fetched once more. */
export type WayOut = 'sign' | 'trust' | 'verify' | 'again';

export interface Standing {
  title: string;
  /** What that means, and what to decide by. */
  meaning: string;
  /** The best one first. */
  ways: readonly WayOut[];
}

/** Codes of a signature that does not count only because of who made it. */
const STRANGERS: readonly string[] = ['trust.signer-unknown', 'trust.signer-removed', 'trust.certificate-untrusted'];
const UNUSABLE = 'Until then it cannot be run, tried or deployed. Nothing of it is lost.';

/** Undefined for a bundle that can be used. */
export function standingOf({ state, stateCode }: Pick<BundleSummary, 'state' | 'stateCode'>): Standing | undefined {
  if (state === 'sound') return undefined;
  if (stateCode === 'bundle.unverified')
    return {
      title: 'Quarantined until it is read',
      meaning: `Somebody trusted signed it, but its files were not read since. Verifying reads every file and releases it when all is as it was signed. ${UNUSABLE}`,
      ways: ['verify'],
    };
  if (stateCode === 'trust.unsigned')
    return {
      title: 'Quarantined: nobody signed it',
      meaning: `Nothing says who made it, or that it is what was made. Get it signed by whoever made it, or sign it here if you know where it is from. ${UNUSABLE}`,
      ways: ['sign'],
    };
  if (STRANGERS.includes(stateCode ?? ''))
    return {
      title: 'Quarantined: nobody trusted here signed it',
      meaning: `Its signature may be good, but its signer is not on the list of this workspace. Trust the signer if you have their public key and know whose it is; then all they sign counts. Or sign this one bundle here. ${UNUSABLE}`,
      ways: ['trust', 'sign'],
    };
  if (state === 'incomplete')
    return {
      title: 'Incomplete: a file of it is missing or damaged here',
      meaning: 'Import or pull it again from where it came: only what is missing is fetched. Until then it cannot be run, tried or deployed.',
      ways: ['again', 'verify'],
    };
  return {
    title: 'Quarantined: it is not what was signed',
    meaning:
      'That cannot be signed away. Get it again from where it was made; remove this one if it does not come from there. It cannot be run, tried or deployed.',
    ways: ['again', 'verify'],
  };
}
