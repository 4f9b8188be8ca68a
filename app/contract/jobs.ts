/** Long work: started, watched, cancelled. It outlives the screen that started it. */
import { z } from 'zod';
import { TimestampSchema, WarningSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

export const JobKindSchema = z.enum([
  'build',
  'import',
  'export',
  'push',
  'pull',
  'garbage',
  'rebuild',
  'trial',
  'deploy',
  'rollback',
  'hardware',
  'provider',
  'benchmark',
  'enrol',
  'verify',
  'backup',
]);

export const JobSchema = z.object({
  id: z.string(),
  kind: JobKindSchema,
  title: z.string(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  startedAt: TimestampSchema,
  endedAt: TimestampSchema.optional(),
  /** 0..1, or absent while unknown. */
  progress: z.number().min(0).max(1).optional(),
  /** What it is doing now, in words. */
  step: z.string().optional(),
  /** Estimated milliseconds left. */
  etaMs: z.number().optional(),
  error: ErrorBodySchema.optional(),
  warnings: z.array(WarningSchema).optional(),
  /** Where the result can be seen: a path of the screen. */
  link: z.string().optional(),
});
export type Job = z.infer<typeof JobSchema>;

/** A change a screen may want to show: it reads the topic again. */
export const ChangeSchema = z.object({
  topic: z.enum(['bundles', 'trials', 'devices', 'deployments', 'jobs', 'hardware', 'activity', 'settings', 'status', 'trust']),
  id: z.string().optional(),
  seq: z.number().int(),
});
export type Change = z.infer<typeof ChangeSchema>;
