/** The engine and its workspace. */
import { z } from 'zod';
import { TimestampSchema } from './common.ts';

export const StatusSchema = z.object({
  version: z.string(),
  /** The workspace folder (EDGEWRIGHT_HOME). */
  home: z.string(),
  workspaceId: z.string(),
  pid: z.number().int(),
  startedAt: TimestampSchema,
  node: z.string(),
  onnxruntime: z.string(),
  /** Whether the C++ addon is in use, or its TypeScript twins. */
  native: z.boolean(),
  /** Where private keys are kept. */
  keyStore: z.string(),
  practiceDevice: z.enum(['off', 'starting', 'running', 'failed']),
  practiceProblem: z.string().optional(),
  diskFreeBytes: z.number().int(),
});
export type Status = z.infer<typeof StatusSchema>;

export const SettingsSchema = z.object({
  density: z.enum(['compact', 'comfortable']).default('compact'),
  scheme: z.enum(['system', 'light', 'dark']).default('system'),
  /** Gates a new trial starts with. */
  defaultGates: z.array(z.string().max(200)).max(16).default(['metric >= 99% of fp32']),
  watchSeconds: z
    .number()
    .min(0)
    .max(7 * 86_400)
    .default(600),
  watchRequests: z.number().int().min(0).max(1_000_000).default(100),
  practiceDevice: z.boolean().default(true),
});
export type Settings = z.infer<typeof SettingsSchema>;
