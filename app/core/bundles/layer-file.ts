/** One file of a variant. */
import type { Role } from './source.ts';

/** A file of a variant, as stored. */
export interface LayerFile {
  path: string;
  role: Role;
  digest: string;
  /** Size in bytes. */
  bytes: number;
}
