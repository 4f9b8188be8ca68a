/** How a view refuses a number that names nothing: the caller's mistake, or the model has changed since. */
import { EdgewrightError } from '#contract';

export function misnamed(code: string, message: string, expected: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, hint: 'The model may have changed: read the list again.', owner: 'usage' });
}
