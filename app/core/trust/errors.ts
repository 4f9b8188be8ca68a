/** How this room refuses, by whose fault it is. */
import { EdgewrightError, type Owner } from '#contract';

interface Detail {
  expected?: string;
  found?: string;
  hint?: string;
  cause?: unknown;
}

function refusal(owner: Owner) {
  return (code: string, message: string, detail: Detail = {}): EdgewrightError => {
    const { cause, ...body } = detail;
    return new EdgewrightError({ code: `trust.${code}`, message, ...body, owner }, { cause });
  };
}

/** Unsigned, altered, wrong key, wrong code. */
export const distrust = refusal('trust');
/** What a person handed over is not what it should be. */
export const unfit = refusal('input');
/** The person asked for something that is not there, or cannot be asked so. */
export const misused = refusal('usage');
