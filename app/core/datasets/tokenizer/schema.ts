/**
 * tokenizer.json as Hugging Face's `tokenizers` writes it (version 1.0). Fields that change nothing here are let pass;
 * a kind that is not known is refused, since leaving a stage out would give other tokens.
 */
import { z } from 'zod';
import { MAX_ADDED_TOKENS, MAX_TOKEN_CHARS, MAX_TOKENIZER_DEPTH, MAX_TOKENIZER_PARTS } from '../limits.ts';

const Text = z.string().max(MAX_TOKEN_CHARS);
const Char = z.string().refine((text) => [...text].length === 1, 'one character');
const Id = z.number().int().min(0).max(0xffffffff);
const Count = z.number().int().min(0).max(0x7fffffff);
const PatternSchema = z.union([z.object({ String: Text }), z.object({ Regex: z.string() })]);
export type PatternSpec = z.infer<typeof PatternSchema>;
const BehaviorSchema = z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);

const simple = <const N extends string>(name: N) => z.object({ type: z.literal(name) });

const ByteLevelSchema = z.object({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean().default(true),
  trim_offsets: z.boolean().default(true),
  use_regex: z.boolean().default(true),
});
const MetaspaceSchema = z
  .object({
    type: z.literal('Metaspace'),
    replacement: Char,
    add_prefix_space: z.boolean().optional(),
    prepend_scheme: z.enum(['first', 'never', 'always']).optional(),
    split: z.boolean().nullish(),
  })
  .transform((m) => ({
    type: m.type,
    replacement: m.replacement,
    prepend_scheme: m.prepend_scheme ?? (m.add_prefix_space === false ? ('never' as const) : ('always' as const)),
    split: m.split ?? true,
  }));
const ReplaceSchema = z.object({ type: z.literal('Replace'), pattern: PatternSchema, content: Text });

const NORMALIZERS = [
  simple('NFC'),
  simple('NFD'),
  simple('NFKC'),
  simple('NFKD'),
  simple('Lowercase'),
  simple('StripAccents'),
  simple('Nmt'),
  simple('ByteLevel'),
  z.object({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.object({ type: z.literal('Prepend'), prepend: Text }),
  z.object({
    type: z.literal('BertNormalizer'),
    clean_text: z.boolean(),
    handle_chinese_chars: z.boolean(),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean(),
  }),
  z.object({ type: z.literal('Precompiled'), precompiled_charsmap: z.string() }),
  ReplaceSchema,
] as const;
const PRE_TOKENIZERS = [
  ByteLevelSchema,
  MetaspaceSchema,
  simple('BertPreTokenizer'),
  simple('Whitespace'),
  simple('WhitespaceSplit'),
  z.object({ type: z.literal('Split'), pattern: PatternSchema, behavior: BehaviorSchema, invert: z.boolean() }),
  z.object({ type: z.literal('Punctuation'), behavior: BehaviorSchema.default('Isolated') }),
  z.object({ type: z.literal('Digits'), individual_digits: z.boolean() }),
  z.object({ type: z.literal('CharDelimiterSplit'), delimiter: Char }),
  z.object({ type: z.literal('FixedLength'), length: Count.min(1).default(5) }),
] as const;
const DECODERS = [
  ByteLevelSchema,
  MetaspaceSchema,
  ReplaceSchema,
  simple('ByteFallback'),
  simple('Fuse'),
  z.object({ type: z.literal('Strip'), content: Char, start: Count, stop: Count }),
  z.object({ type: z.literal('WordPiece'), prefix: Text, cleanup: z.boolean() }),
  z.object({ type: z.literal('BPEDecoder'), suffix: Text }),
  z.object({ type: z.literal('CTC'), pad_token: Text, word_delimiter_token: Text, cleanup: z.boolean() }),
] as const;

const PieceSchema = z.union([
  z.object({ Sequence: z.object({ id: z.enum(['A', 'B']), type_id: Id }) }),
  z.object({ SpecialToken: z.object({ id: Text, type_id: Id }) }),
]);
/** By name; read as a map, because a token may be called __proto__. */
const SpecialTokensSchema = z.unknown().transform((raw, ctx) => {
  const entries = typeof raw === 'object' && raw !== null ? Object.entries(raw) : [];
  const parsed = entries.map(([name, value]) => [name, z.object({ ids: z.array(Id).max(64), tokens: z.array(Text).max(64) }).safeParse(value)] as const);
  const bad = parsed.find(([, token]) => !token.success || token.data.ids.length !== token.data.tokens.length);
  if (bad) ctx.addIssue({ code: 'custom', message: 'each special token has as many ids as tokens' });
  return new Map(parsed.flatMap(([name, token]) => (token.success ? [[name, token.data] as const] : [])));
});
const Pair = z.tuple([Text, Id]);
const PROCESSORS = [
  ByteLevelSchema,
  z.object({
    type: z.literal('TemplateProcessing'),
    single: z.array(PieceSchema).max(MAX_TOKENIZER_PARTS),
    pair: z.array(PieceSchema).max(MAX_TOKENIZER_PARTS),
    special_tokens: SpecialTokensSchema,
  }),
  z.object({ type: z.literal('BertProcessing'), sep: Pair, cls: Pair }),
  z.object({ type: z.literal('RobertaProcessing'), sep: Pair, cls: Pair, trim_offsets: z.boolean(), add_prefix_space: z.boolean() }),
] as const;

/** A stage's parts, and sequences of them; as deep as is allowed, then only single ones. */
type Nested<P, K extends string> = P | ({ type: 'Sequence' } & { [key in K]: Nested<P, K>[] });

export type NormalizerSpec = Nested<z.infer<(typeof NORMALIZERS)[number]>, 'normalizers'>;
export type PreTokenizerSpec = Nested<z.infer<(typeof PRE_TOKENIZERS)[number]>, 'pretokenizers'>;
export type DecoderSpec = Nested<z.infer<(typeof DECODERS)[number]>, 'decoders'>;
export type ProcessorSpec = Nested<z.infer<(typeof PROCESSORS)[number]>, 'processors'>;

/** Reads one part by the schema its type names; the error speaks of that part. */
function partSchema<T>(schemas: readonly z.ZodType[], key: string, depth = 0): z.ZodType<T> {
  return z.unknown().transform((raw, ctx): T => {
    const type = typeof raw === 'object' && raw !== null && 'type' in raw ? raw.type : undefined;
    const schema: z.ZodType | undefined =
      type === 'Sequence' && depth < MAX_TOKENIZER_DEPTH
        ? z.object({ type: z.literal('Sequence'), [key]: z.array(partSchema(schemas, key, depth + 1)).max(MAX_TOKENIZER_PARTS) })
        : schemas.find((one) => typeNameOf(one) === type);
    if (!schema) {
      ctx.addIssue({ code: 'custom', message: `a kind that is not supported: ${String(type).slice(0, 60)}`, params: { unsupported: true } });
      return z.NEVER;
    }
    const parsed = schema.safeParse(raw);
    if (parsed.success) return parsed.data as T;
    for (const issue of parsed.error.issues)
      ctx.addIssue({ code: 'custom', message: issue.message, path: issue.path, ...(issue.code === 'custom' && issue.params && { params: issue.params }) });
    return z.NEVER;
  });
}

function typeNameOf(schema: z.ZodType): string | undefined {
  const object = schema instanceof z.ZodPipe ? schema.in : schema;
  const type: unknown = object instanceof z.ZodObject ? object.shape['type'] : undefined;
  return type instanceof z.ZodLiteral ? String(type.value) : undefined;
}

const VocabularyMap = z.custom<Record<string, unknown>>((raw) => typeof raw === 'object' && raw !== null && !Array.isArray(raw), 'tokens with their numbers');
const List = z.custom<readonly unknown[]>(Array.isArray, 'a list');
const BpeSchema = z.object({
  type: z.literal('BPE'),
  dropout: z.number().nullish(),
  unk_token: Text.nullish(),
  continuing_subword_prefix: Text.nullish(),
  end_of_word_suffix: Text.nullish(),
  fuse_unk: z
    .boolean()
    .nullish()
    .transform((on) => on ?? false),
  byte_fallback: z
    .boolean()
    .nullish()
    .transform((on) => on ?? false),
  ignore_merges: z
    .boolean()
    .nullish()
    .transform((on) => on ?? false),
  vocab: VocabularyMap,
  merges: List,
});
export type BpeSpec = z.infer<typeof BpeSchema>;
const WordPieceSchema = z.object({
  type: z.literal('WordPiece'),
  unk_token: Text,
  continuing_subword_prefix: Text,
  max_input_chars_per_word: Count,
  vocab: VocabularyMap,
});
export type WordPieceSpec = z.infer<typeof WordPieceSchema>;
const WordLevelSchema = z.object({ type: z.literal('WordLevel'), unk_token: Text, vocab: VocabularyMap });
export type WordLevelSpec = z.infer<typeof WordLevelSchema>;
const UnigramSchema = z.object({ type: z.literal('Unigram'), unk_id: Id.nullish(), byte_fallback: z.boolean().default(false), vocab: List });
export type UnigramSpec = z.infer<typeof UnigramSchema>;

/** Files from before the models were named tell what they are by their fields. */
const ModelSchema = z.preprocess(
  (raw) => {
    if (typeof raw !== 'object' || raw === null || 'type' in raw) return raw;
    const type =
      'merges' in raw ? 'BPE' : 'continuing_subword_prefix' in raw ? 'WordPiece' : 'vocab' in raw && Array.isArray(raw.vocab) ? 'Unigram' : 'WordLevel';
    return { ...raw, type };
  },
  z.discriminatedUnion('type', [BpeSchema, WordPieceSchema, WordLevelSchema, UnigramSchema]),
);
export type ModelSpec = z.infer<typeof ModelSchema>;

const TruncationSchema = z.object({
  direction: z.enum(['Left', 'Right']).default('Right'),
  max_length: Count,
  strategy: z.enum(['LongestFirst', 'OnlyFirst', 'OnlySecond']).default('LongestFirst'),
});
export type TruncationSpec = z.infer<typeof TruncationSchema>;
const PaddingSchema = z.object({
  strategy: z.union([z.literal('BatchLongest'), z.object({ Fixed: Count })]).default('BatchLongest'),
  direction: z.enum(['Left', 'Right']).default('Right'),
  pad_to_multiple_of: Count.nullish(),
  pad_id: Id.default(0),
  pad_type_id: Id.default(0),
  pad_token: Text.default('[PAD]'),
});
export type PaddingSpec = z.infer<typeof PaddingSchema>;
const AddedTokenSchema = z.object({
  id: Id,
  content: Text,
  single_word: z.boolean(),
  lstrip: z.boolean(),
  rstrip: z.boolean(),
  normalized: z.boolean(),
  special: z.boolean(),
});
export type AddedTokenSpec = z.infer<typeof AddedTokenSchema>;

export const TokenizerSchema = z.object({
  version: z.literal('1.0').optional(),
  truncation: TruncationSchema.nullish(),
  padding: PaddingSchema.nullish(),
  added_tokens: z.array(AddedTokenSchema).max(MAX_ADDED_TOKENS).default([]),
  normalizer: partSchema<NormalizerSpec>(NORMALIZERS, 'normalizers').nullish(),
  pre_tokenizer: partSchema<PreTokenizerSpec>(PRE_TOKENIZERS, 'pretokenizers').nullish(),
  post_processor: partSchema<ProcessorSpec>(PROCESSORS, 'processors').nullish(),
  decoder: partSchema<DecoderSpec>(DECODERS, 'decoders').nullish(),
  model: ModelSchema,
});
export type TokenizerSpec = z.infer<typeof TokenizerSchema>;
