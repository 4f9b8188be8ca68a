/** Errors about a tokenizer's file. */
import { EdgewrightError } from '#contract';

/** The file is wrong. */
export function malformed(message: string, more: { expected?: string; found?: string } = {}): EdgewrightError {
  return new EdgewrightError({ code: 'tokenizer.malformed', message: `The tokenizer cannot be read: ${message}`, ...more, owner: 'input' });
}

/** The file may be right, but asks for something that is not done here. */
export function unsupported(what: string, more: { expected?: string; found?: string } = {}): EdgewrightError {
  return new EdgewrightError({
    code: 'tokenizer.unsupported',
    message: `The tokenizer uses ${what}, which is not supported.`,
    ...more,
    hint: 'Save it again with a common configuration, or tokenize outside and give the tensors.',
    owner: 'input',
  });
}
