/** What a backup says of itself: the first file in it. It is encrypted with the rest, so whoever reads it has the passphrase. */
import { z } from 'zod';
import { KeyProtectionSchema, TimestampSchema } from '#contract';
import { isBackupPath } from './contents.ts';
import { MAX_BACKUP_FILES } from '../limits.ts';

export const BackupContentsSchema = z.object({
  format: z.literal(1),
  /** Version of Edgewright that wrote it. */
  version: z.string().max(64),
  createdAt: TimestampSchema,
  workspaceId: z.string().max(64),
  /** Fingerprint of the signing key. */
  fingerprint: z.string().max(128),
  /** How the private keys were kept. */
  protection: KeyProtectionSchema,
  bundles: z.boolean(),
  /** Every file that follows, in this order. */
  files: z
    .array(z.object({ path: z.string().max(300).refine(isBackupPath, 'not a file of a workspace'), bytes: z.number().int().min(0) }))
    .max(MAX_BACKUP_FILES),
});
export type BackupContents = z.infer<typeof BackupContentsSchema>;
