/** What a rule about dimensions is given: one node, and what is known of its inputs. */
import type { Node } from './messages.ts';
import type { Dims, Value } from './values.ts';

export interface ShapeCase {
  node: Node;
  /** undefined for inputs that are left out, and for those nothing is known of. */
  inputs: readonly (Value | undefined)[];
  /** The operator set version of the operator. */
  since: number;
  /** An error that names the node. */
  misfit(why: string, expected?: string, found?: string): Error;
}

/** Dimensions of the outputs, as far as they are known. */
export type Shapes = readonly (Dims | undefined)[];
