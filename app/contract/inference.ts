/** Running a model offline, on this computer. */
import { z } from 'zod';
import { ProviderUseSchema, RefSchema, TensorInfoSchema } from './common.ts';

/** Largest raw input accepted over the contract, in bytes of base64 text (about 24 MB of data). */
const MAX_INPUT_CHARS = 32 * 1024 * 1024;

/** A raw input in its natural form, or tensors in an .npz. */
export const RawInputSchema = z.discriminatedUnion('kind', [
  /** A file the engine can read itself: what the bundle's recipe takes, or .npz and .npy. */
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

const LabelsSchema = z.object({
  kind: z.literal('labels'),
  /** Best first. */
  labels: z.array(z.object({ label: z.string(), index: z.number().int(), confidence: z.number() })),
});

const ValuesSchema = z.object({ kind: z.literal('values'), values: z.array(z.object({ name: z.string(), value: z.number(), unit: z.string().optional() })) });

const BoxSchema = z.object({
  label: z.string(),
  index: z.number().int(),
  score: z.number(),
  /** Corners in pixels of the image as it was given, or of what the model got where that has no image. */
  left: z.number(),
  top: z.number(),
  right: z.number(),
  bottom: z.number(),
});
const BoxesSchema = z.object({
  kind: z.literal('boxes'),
  /** Surest first. */
  boxes: z.array(BoxSchema),
  /** Size of the image the corners are in. */
  image: z.object({ width: z.number(), height: z.number() }).optional(),
});

/** No recipe says how to read it: the first elements of each output; null stands for NaN and the infinities, which JSON cannot carry. */
const TensorsSchema = z.object({
  kind: z.literal('tensors'),
  tensors: z.array(z.object({ name: z.string(), preview: z.array(z.number().or(z.string()).nullable()) })),
});

const OneAnswerSchema = z.discriminatedUnion('kind', [LabelsSchema, ValuesSchema, BoxesSchema, TensorsSchema]);

/** What a model with several outputs says in each. */
const SeveralSchema = z.object({ kind: z.literal('several'), parts: z.array(z.object({ title: z.string(), answer: OneAnswerSchema })) });
const RowAnswerSchema = z.discriminatedUnion('kind', [...OneAnswerSchema.options, SeveralSchema]);

/** The answer as people read it. */
export const AnswerSchema = z.discriminatedUnion('kind', [
  ...RowAnswerSchema.options,
  /** A table's rows, each with its own answer; the first ones where there are very many. */
  z.object({ kind: z.literal('rows'), total: z.number().int(), rows: z.array(RowAnswerSchema) }),
]);
export type Answer = z.infer<typeof AnswerSchema>;
export type OneAnswer = z.infer<typeof OneAnswerSchema>;
export type RowAnswer = z.infer<typeof RowAnswerSchema>;

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
