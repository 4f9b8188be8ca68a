/** How much work one text may cost: a tokenizer comes with its bundle, and nobody has promised that its patterns and tokens are harmless. */
import { EdgewrightError } from '#contract';
import { MAX_TOKENIZER_STEPS } from '../limits.ts';

/** Counts steps of matching and looking up; the same limit everywhere, so that what works on the laptop works on the device. */
export class Budget {
  #left = MAX_TOKENIZER_STEPS;

  /** @throws tokenizer.too-costly (input) */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left >= 0) return;
    throw new EdgewrightError({
      code: 'tokenizer.too-costly',
      message: 'This tokenizer needs too long for this text: one of its patterns or tokens makes it try again and again.',
      expected: `at most ${MAX_TOKENIZER_STEPS} steps`,
      hint: 'Give a shorter text, or a tokenizer with simpler patterns.',
      owner: 'input',
    });
  }
}
