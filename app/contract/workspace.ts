/** The workspace's own keys: how they are kept. */
import { z } from 'zod';
import { DigestSchema, JobIdSchema } from './common.ts';

/** `plain`: in a file only this user can read. */
export const KeyProtectionSchema = z.enum(['plain', 'keychain', 'passphrase']);

export const KeysSchema = z.object({
  protection: KeyProtectionSchema,
  /** The same, in words. */
  store: z.string(),
  /** Whether they can be used now: what signs or speaks to devices needs them. */
  unlocked: z.boolean(),
  /** What the person knows the keychain of this system as; absent where none can be asked. */
  keychain: z.string().optional(),
  workspaceId: z.string(),
  /** Hex SHA-256 of the public signing key. */
  fingerprint: z.string(),
  /** That key: SubjectPublicKeyInfo in PEM. */
  publicKey: z.string(),
});
export type Keys = z.infer<typeof KeysSchema>;

const PassphraseSchema = z.string().min(1).max(1024);

export const UnlockSchema = z.object({ passphrase: PassphraseSchema.optional() });

export const KeepKeysSchema = z.object({
  to: KeyProtectionSchema,
  /** The new one, where they are kept by one. */
  passphrase: PassphraseSchema.optional(),
});

/** `problem`: they are kept the new way, but something was left over. */
export const KeptKeysSchema = KeysSchema.extend({ problem: z.string().optional() });

export const BackupRequestSchema = z.object({
  path: z.string().min(1).max(4096),
  passphrase: PassphraseSchema,
  /** Keys, devices, trials, settings and the audit log only. */
  withoutBundles: z.boolean().default(false),
  jobId: JobIdSchema,
});

export const BackupResultSchema = z.object({
  file: z.string(),
  bytes: z.number().int(),
  /** Of the encrypted file. */
  digest: DigestSchema,
  files: z.number().int(),
  bundles: z.boolean(),
  /** Digests of blobs that had rotted in the store already. */
  altered: z.array(z.string()),
});
export type BackupResult = z.infer<typeof BackupResultSchema>;
