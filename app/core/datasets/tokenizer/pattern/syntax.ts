/** What a pattern consists of. */
import type { CharTest } from './char-set.ts';

export type Mode = 'greedy' | 'lazy' | 'possessive';
export type Anchor = 'line-start' | 'line-end' | 'text-start' | 'text-end' | 'text-end-or-newline' | 'word-edge' | 'no-word-edge';

export type Node =
  | { kind: 'char'; test: CharTest }
  | { kind: 'sequence'; items: Node[] }
  | { kind: 'choice'; items: Node[] }
  | { kind: 'repeat'; item: Node; min: number; max: number; mode: Mode }
  /** What comes before or after must match, or must not; nothing is taken. */
  | { kind: 'look'; item: Node; behind: boolean; negative: boolean }
  /** Once matched, never matched another way. */
  | { kind: 'atomic'; item: Node }
  | { kind: 'anchor'; anchor: Anchor };
