/** What checking a model says: which stages it went through, how long they took, and how it was kept in bounds. */
import { z } from 'zod';
import { WarningSchema } from './common.ts';

/**
 * The stages in their order: `bounds` of the file and its encoding, `structure` (versions, operators, graph, types, shapes, tensors,
 * external data), `load` by ONNX Runtime in a limited process, and a `run` on made-up inputs there.
 */
export const CHECK_STAGES = ['bounds', 'structure', 'load', 'run'] as const;

export const CheckStageSchema = z.object({
  name: z.enum(CHECK_STAGES),
  /** A stage that fails makes the whole check fail; `skipped` was not asked for, or could not follow the one before. */
  outcome: z.enum(['passed', 'warned', 'skipped']),
  ms: z.number(),
  /** In words, where there is more to say: what was run, why it was left out. */
  detail: z.string().optional(),
});
export type CheckStage = z.infer<typeof CheckStageSchema>;

export const CheckRequestSchema = z.object({
  path: z.string().max(4096),
  /** Load and run it in a limited process; without, only what can be said from the file alone. */
  run: z.boolean().default(true),
  /** For loading and running together, in ms. */
  timeoutMs: z.number().int().min(100).max(3_600_000).optional(),
  /** Memory the process that loads and runs it may take, in bytes. */
  memoryBytes: z
    .number()
    .int()
    .min(64 * 1024 * 1024)
    .max(1024 ** 4)
    .optional(),
});
export type CheckRequest = z.infer<typeof CheckRequestSchema>;

export const CheckResultSchema = z.object({
  /** Always true: a model that must be refused is an error. */
  ok: z.boolean(),
  warnings: z.array(WarningSchema),
  stages: z.array(CheckStageSchema),
  /** What the process that loaded and ran the model was held to, and in words how, and what else it could not do; absent when nothing was run. */
  limits: z.object({ timeoutMs: z.number(), memoryBytes: z.number(), enforcement: z.string(), isolation: z.string() }).optional(),
});
export type CheckResult = z.infer<typeof CheckResultSchema>;
