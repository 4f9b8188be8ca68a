/** Tensors and their files, recipes, answers, task metrics, golden comparison. */
export { MAX_RANK } from './limits.ts';
export { answer } from './answer.ts';
export type { AnswerContext } from './answers/kind.ts';
export { parseLabels, softmax } from './answers/labels.ts';
export { answerOutputs, type AnswerRecipe } from './answers/schema.ts';
export { applyRecipe, checkFeeds } from './apply-recipe.ts';
export { BundleFiles, NO_FILES } from './bundle-files.ts';
export { type GoldenCases, goldenCases, labelledCases } from './golden/cases.ts';
export { compareGolden, type GoldenComparison } from './golden/compare.ts';
export { checkRawInput, type RawContext, type RawInput as GoldenRawInput, type RawMismatch, sampleOfRaw } from './golden/raw.ts';
export {
  type AgreementRule,
  type CloseRule,
  type Closeness,
  DEFAULT_TOLERANCES,
  type GoldenRule,
  goldenRule,
  NEAR_SHARE_OF_SPREAD,
  type Tolerances,
} from './golden/rules.ts';
export { AGREEMENT } from './metrics/agreement.ts';
export type { AnswerForm, MetricSpec } from './metrics/kind.ts';
export { infer, type Inferred, type InferOptions, type InferPlan } from './infer.ts';
export { METRIC_NAMES, metricKind, type MetricResult, type ScoredBatch, scoreMetric } from './metrics.ts';
export { readNpy, writeNpy } from './npy.ts';
export { encodeNpz, readNpz, UNNAMED_ARRAY, writeNpz } from './npz.ts';
export { argmax, pickOutput } from './outputs.ts';
export { looksLikeImage } from './images/decode.ts';
export { type Prng, seededPrng } from './prng.ts';
export { describeRecipe, parseRecipe, type Recipe } from './recipe.ts';
export { checkRecipeFiles, filesOfRecipe } from './recipe-files.ts';
export type { Applied } from './recipes/kind.ts';
export { bootstrapInterval, percentile, sorted, wilsonInterval } from './statistics.ts';
export {
  castTensor,
  concatRows,
  type ElementType,
  elementBytes,
  elementCount,
  float32Tensor,
  halfToNumber,
  isElementType,
  isFloatType,
  makeTensor,
  newData,
  numberToHalf,
  type NumericData,
  type NumericType,
  sliceRows,
  type Tensor,
  tensorBytes,
  tensorFromBytes,
  toNumbers,
} from './tensor.ts';
export { type EncodeOptions, Tokenizer } from './tokenizer/tokenizer.ts';
