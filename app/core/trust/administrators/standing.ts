/** Whether an administrator may act now: a pure function of what was granted, what was revoked, and the clock. */
import type { EdgewrightError } from '#contract';
import { distrust } from '../errors.ts';
import { CLOCK_TOLERANCE_MS } from '../limits.ts';

/** What an administrator shows, as a grant or as a certificate. */
export interface Standing {
  /** Fingerprint of the signing key. */
  key: string;
  issuedAt: number;
  until: number;
}

export interface StandingFacts {
  /** The clock, in ms since the epoch. */
  now: number;
  /** The latest moment that is known to have passed: a clock before it is wrong. */
  latest: number;
  revoked: ReadonlySet<string>;
  /** Whose clock it is: a device decides, and a laptop looks before it asks one. */
  whose: 'the device' | 'this computer';
}

/** Why not; undefined: he may. Whatever cannot be known is a no. */
export function standingProblem({ key, issuedAt, until }: Standing, { now, latest, revoked, whose }: StandingFacts): EdgewrightError | undefined {
  if (revoked.has(key)) return revokedError(key);
  if (!Number.isFinite(now) || now < Math.max(issuedAt, latest) - CLOCK_TOLERANCE_MS) {
    return distrust('clock-behind', `The clock of ${whose} is behind, so whether the grant is still valid cannot be known.`, {
      expected: `${isoTime(Math.max(issuedAt, latest))} or later`,
      found: isoTime(now),
      hint: whose === 'the device' ? 'Set it. The workspace that the device belongs to can still reach it.' : 'Set it, then run this again.',
    });
  }
  if (now > until) {
    return distrust('grant-expired', `The grant has expired, by the clock of ${whose}.`, {
      expected: `${isoTime(until)} or earlier`,
      found: isoTime(now),
      hint: 'Ask the workspace that the device belongs to for a new one: edgewright workspace grant FILE.',
    });
  }
  return undefined;
}

/** Said of whatever a revoked key asked for. */
export function revokedError(key: string): EdgewrightError {
  return distrust('administrator-revoked', 'This administrator was revoked by the workspace that the device belongs to.', {
    found: key,
    hint: 'Nothing can be done with these keys on this device any more.',
  });
}

function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'no time at all' : date.toISOString();
}
