/** Running a model offline, on this computer. */
import { z } from 'zod';
import { ProviderUseSchema, RefSchema, TensorInfoSchema } from './common.ts';

/** Largest raw input accepted over the contract, in bytes of base64 text (about 24 MB of data). */
const MAX_INPUT_CHARS = 32 * 1024 * 1024;

/** Longest text accepted over the contract, in UTF-16 units. */
const MAX_TEXT_CHARS = 256 * 1024;

/** A raw input in its natural form, or tensors in an .npz. */
export const RawInputSchema = z.discriminatedUnion('kind', [
  /** A file the engine can read itself: what the bundle's recipe takes, or .npz and .npy. */
  z.object({ kind: z.literal('file'), path: z.string() }),
  /** The bytes of such a file. */
  z.object({ kind: z.literal('bytes'), base64: z.string().max(MAX_INPUT_CHARS), name: z.string().max(255) }),
  /** Text as it is; what stands for a file that holds it. */
  z.object({ kind: z.literal('text'), text: z.string().max(MAX_TEXT_CHARS) }),
  /** An example that travels in the bundle. */
  z.object({ kind: z.literal('example'), name: z.string() }),
]);
export type RawInput = z.infer<typeof RawInputSchema>;

/** How text is generated, where it is to be another way than the bundle's recipe says. */
export const GenerationSchema = z.object({
  maxNewTokens: z.number().int().min(1).max(4096).optional(),
  /** 0 always takes the best token. */
  temperature: z.number().min(0).max(10).optional(),
  /** Only the best so many tokens; 0 for all. */
  topK: z.number().int().min(0).max(1_000_000).optional(),
  /** Only the best tokens that together have this share of the probability. */
  topP: z.number().gt(0).max(1).optional(),
  repetitionPenalty: z.number().min(0.1).max(10).optional(),
  /** The same seed gives the same text. */
  seed: z.number().int().min(0).max(0xffffffff).optional(),
  /** Texts that end it; they are not part of it. */
  stop: z.array(z.string().min(1).max(200)).max(16).optional(),
});
export type Generation = z.infer<typeof GenerationSchema>;

export const RunRequestSchema = z.object({
  /** `name@version[#variant]`, a digest, or the path of an .onnx file. */
  ref: RefSchema.or(z.string().max(4096)),
  input: RawInputSchema,
  ep: z.string().optional(),
  strictEp: z.boolean().default(false),
  /** Where to write the outputs as .npz; of generated text, those of the last step. */
  output: z.string().optional(),
  generation: GenerationSchema.optional(),
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

/** Written by the model, or read from what it heard or saw. */
const TextSchema = z.object({
  kind: z.literal('text'),
  text: z.string(),
  /** How many tokens or symbols it took. */
  tokens: z.number().int(),
  /** Why generated text ends: a token or a text that ends it, as many tokens as were wanted, or as many as the model can take in. */
  ended: z.enum(['end', 'stop', 'length', 'context']).optional(),
});

/** Parts of the text, in its order; positions in UTF-16 units. */
const SpansSchema = z.object({
  kind: z.literal('spans'),
  text: z.string(),
  spans: z.array(z.object({ from: z.number().int(), to: z.number().int(), text: z.string(), label: z.string(), confidence: z.number() })),
});

/** A vector for each text, and the cosine of each pair. */
const EmbeddingSchema = z.object({
  kind: z.literal('embedding'),
  dimensions: z.number().int(),
  texts: z.array(z.string()).optional(),
  /** Empty where they are too many to hand over. */
  vectors: z.array(z.array(z.number())),
  similarity: z.array(z.array(z.number())),
});

const OneAnswerSchema = z.discriminatedUnion('kind', [LabelsSchema, ValuesSchema, BoxesSchema, TextSchema, SpansSchema, EmbeddingSchema, TensorsSchema]);

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

/** What a run tells while it goes on, and in the end. */
export const RunEventSchema = z.discriminatedUnion('kind', [
  /** More of the generated text. */
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('result'), result: RunResultSchema }),
]);
export type RunEvent = z.infer<typeof RunEventSchema>;
