/** How this room refuses, by whose fault it is. */
import { EdgewrightError, type Owner } from '#contract';

function refusal(owner: Owner) {
  return (code: string, message: string, more: { expected?: string; found?: string; hint?: string; cause?: unknown } = {}): EdgewrightError => {
    const { cause, ...body } = more;
    return new EdgewrightError({ code: `provider.${code}`, message, ...body, owner }, { cause });
  };
}

/** A file is not what it should be. */
export const unsound = refusal('input');
/** The person must say or do something else. */
export const misused = refusal('usage');
/** This machine lacks something. */
export const lacking = refusal('machine');
/** It is not the file that was published. */
export const untrusted = refusal('trust');
/** What came over the network did not come, or not right. */
export const unreached = refusal('network');
