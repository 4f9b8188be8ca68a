/** Running a model offline, on this computer. */
import { z } from 'zod';
import { ProviderUseSchema, RefSchema, TensorInfoSchema } from './common.ts';

/** Largest raw input accepted over the contract, in bytes of base64 text (about 24 MB of data). */
const MAX_INPUT_CHARS = 32 * 1024 * 1024;

/** A raw input in its natural form, or tensors in an .npz. */
export const RawInputSchema = z.discriminatedUnion('kind', [
  /** A file the engine can read itself: PNG or JPEG, .npz or .npy, by its content. */
  z.object({ kind: z.literal('file'), path: z.string() }),
  /** The bytes of such a file. */
  z.object({ kind: z.literal('bytes'), base64: z.string().max(MAX_INPUT_CHARS), name: z.string().max(255) }),
  /** An example that travels in the bundle. */
  z.object({ kind: z.literal('example'), name: z.string() }),
]);
export type RawInput = z.infer<typeof RawInputSchema>;

export const RunRequestSchema = z.object({
  /** `name@version[#variant]`, a digest, or the path of an .onnx file. */
  ref: RefSchema.or(z.string().max(4096)),
  input: RawInputSchema,
  ep: z.string().optional(),
  strictEp: z.boolean().default(false),
  /** Where to write the outputs as .npz. */
  output: z.string().optional(),
});

export type RunRequest = z.infer<typeof RunRequestSchema>;

/** The answer as people read it. */
export const AnswerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('labels'),
    /** Best first. */
    labels: z.array(z.object({ label: z.string(), index: z.number().int(), confidence: z.number() })),
  }),
  z.object({ kind: z.literal('values'), values: z.array(z.object({ name: z.string(), value: z.number(), unit: z.string().optional() })) }),
  /** No recipe says how to read it: the first elements of each output; null stands for NaN and the infinities, which JSON cannot carry. */
  z.object({ kind: z.literal('tensors'), tensors: z.array(z.object({ name: z.string(), preview: z.array(z.number().nullable()) })) }),
]);
export type Answer = z.infer<typeof AnswerSchema>;

export const RunResultSchema = z.object({
  ref: z.string(),
  variant: z.string().optional(),
  answer: AnswerSchema,
  outputs: z.array(TensorInfoSchema),
  latencyMs: z.number(),
  loadMs: z.number(),
  memoryBytes: z.number().int(),
  providers: ProviderUseSchema,
  /** What the model was given, as a small gray or colour image, when the input was one. */
  preview: z.object({ width: z.number().int(), height: z.number().int(), pngBase64: z.string() }).optional(),
});
export type RunResult = z.infer<typeof RunResultSchema>;
