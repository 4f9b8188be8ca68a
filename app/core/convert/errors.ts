/** How this room refuses, by whose fault it is. */
import { EdgewrightError, type Owner } from '#contract';

function refusal(owner: Owner) {
  return (code: string, message: string, more: { expected?: string; found?: string; hint?: string; cause?: unknown } = {}): EdgewrightError => {
    const { cause, ...body } = more;
    return new EdgewrightError({ code: `convert.${code}`, message, ...body, owner }, { cause });
  };
}

/** The file is not what it should be, or its framework cannot export it. */
export const unsound = refusal('input');
/** The person must say or do something first. */
export const misused = refusal('usage');
/** This machine lacks something. */
export const lacking = refusal('machine');
/** What came over the network did not come, or not right. */
export const unreached = refusal('network');
