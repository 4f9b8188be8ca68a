/** Fields that several statements about administrators share. */
import { z } from 'zod';
import { MAX_SIGNER_NAME } from '../limits.ts';

export const WorkspaceIdSchema = z.string().regex(/^[0-9a-f]{32}$/, 'a workspace id is 32 hex digits');
/** Wall clock in ms since the epoch. */
export const TimeSchema = z.number().int().min(0).max(8_640_000_000_000_000);
/** What people call a laptop or a workspace: visible characters only, since others decide by it. */
export const PersonNameSchema = z
  .string()
  .min(1)
  .refine(
    (name) => name === name.trim() && [...name].length <= MAX_SIGNER_NAME && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name),
    `1 to ${MAX_SIGNER_NAME} visible characters`,
  );
