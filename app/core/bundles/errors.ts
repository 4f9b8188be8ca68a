/** How this room refuses, by whose fault it is. */
import { EdgewrightError, type Owner } from '#contract';

export interface Refusal {
  expected?: string;
  found?: string;
  hint?: string;
  cause?: unknown;
}

function refusal(owner: Owner) {
  return (code: string, message: string, more: Refusal = {}): EdgewrightError => {
    const { cause, ...body } = more;
    return new EdgewrightError({ code, message, ...body, owner }, { cause });
  };
}

/** The bundle's source is wrong. */
export const unsound = refusal('input');
/** What was stored or sent is not what it should be. */
export const altered = refusal('trust');
/** The person asked for something that is not there, or cannot be asked so. */
export const misused = refusal('usage');
/** This machine's store is not in order. */
export const broken = refusal('machine');
