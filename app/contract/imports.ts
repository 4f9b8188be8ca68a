/** Taking in what is no bundle yet: a bare ONNX model, or a framework's own file. */
import { z } from 'zod';
import { JobIdSchema, NameSchema, VersionSchema } from './common.ts';

export const ImportRequestSchema = z.object({
  /** An .onnx file, a framework's file or SavedModel folder, or a folder with edgewright.yaml. */
  path: z.string().max(4096),
  /** What to call the bundle; else the file's name and 1.0.0. */
  name: NameSchema.optional(),
  version: VersionSchema.optional(),
  /** The person says that the file may run code while it is converted. */
  trustSource: z.boolean().default(false),
  /** Write the converted model and its edgewright.yaml there instead of building a bundle. */
  output: z.string().max(4096).optional(),
  jobId: JobIdSchema,
});
export type ImportRequest = z.infer<typeof ImportRequestSchema>;

export const ImportStartedSchema = z.object({
  jobId: z.string(),
  /** What the bundle will be called. */
  ref: z.string(),
  /** What the file is, where it must be converted. */
  converts: z.string().optional(),
});
export type ImportStarted = z.infer<typeof ImportStartedSchema>;
