/** A text as tokens, ready for a model. */

export interface EncodedToken {
  id: number;
  text: string;
  /** Where it stands in its text, in code points; both 0 for what stands in none. */
  from: number;
  to: number;
  /** Number of the word it is part of. */
  word?: number;
  /** Segment number, as BERT has it. */
  type: number;
  /** Which of the texts it comes from; special and padding tokens come from none. */
  sequence?: 0 | 1;
  special: boolean;
  /** False for padding. */
  attended: boolean;
}

export function specialToken(id: number, text: string, type: number): EncodedToken {
  return { id, text, from: 0, to: 0, type, special: true, attended: true };
}
