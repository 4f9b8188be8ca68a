/** Texts as vectors, and how alike they are. */
import { z } from 'zod';
import { MAX_EMBEDDING_VALUES } from '../limits.ts';
import { pickOutput } from '../outputs.ts';
import { type Tensor, toNumbers } from '../tensor.ts';
import { cosine, toLengthOne } from '../vectors.ts';
import { type AnswerKind, checkFinite, unlike } from './kind.ts';

export const EmbeddingAnswerSchema = z.strictObject({
  kind: z.literal('embedding'),
  /** [batch, numbers], or [batch, tokens, numbers] which are pooled. */
  output: z.string().min(1),
  /** Over the tokens that are no padding: their mean, the first (CLS), the last, or the largest of each number. */
  pooling: z.enum(['mean', 'first', 'last', 'max']).default('mean'),
  /** To length 1. */
  normalize: z.boolean().default(true),
});
type EmbeddingAnswer = z.infer<typeof EmbeddingAnswerSchema>;

export const embeddingKind: AnswerKind<EmbeddingAnswer> = {
  answer(how, outputs, { applied }) {
    const rows = applied?.text?.rows;
    const masks = rows?.map((row) => row.tokens.map((token) => token.attended));
    const vectors = pooled(pickOutput(outputs, how.output), how, masks).map((vector) => (how.normalize ? toLengthOne(vector) : vector));
    const dimensions = vectors[0]?.length ?? 0;
    return {
      kind: 'embedding',
      dimensions,
      ...(rows && { texts: rows.map((row) => row.texts.join('\n')) }),
      vectors: vectors.length * dimensions <= MAX_EMBEDDING_VALUES ? vectors.map((vector) => [...vector]) : [],
      similarity: vectors.map((a) => vectors.map((b) => cosine(a, b))),
    };
  },
};

function pooled(tensor: Tensor, { output, pooling }: EmbeddingAnswer, masks: readonly boolean[][] | undefined): Float64Array[] {
  const values = checkFinite(toNumbers(tensor), output);
  const [batch = 1, ...rest] = tensor.dims;
  if (rest.length === 1) return split(values, batch);
  const [tokens = 0, size = 0] = rest;
  if (rest.length !== 2) throw unlike(output, '[batch, numbers] or [batch, tokens, numbers]', tensor.dims);
  return split(values, batch).map((row, i) => {
    const mask = masks?.[i];
    const kept = [...Array(tokens).keys()].filter((t) => mask?.[t] ?? true);
    const at = (t: number | undefined) => row.subarray((t ?? 0) * size, ((t ?? 0) + 1) * size);
    if (pooling === 'first') return at(kept[0]);
    if (pooling === 'last') return at(kept.at(-1));
    const start = new Float64Array(size).fill(pooling === 'max' ? Number.NEGATIVE_INFINITY : 0);
    for (const t of kept) at(t).forEach((x, j) => (start[j] = pooling === 'max' ? Math.max(start[j] ?? 0, x) : (start[j] ?? 0) + x / kept.length));
    return start;
  });
}

function split(values: Float64Array, rows: number): Float64Array[] {
  const per = rows === 0 ? 0 : values.length / rows;
  return Array.from({ length: rows }, (_, i) => values.subarray(i * per, (i + 1) * per));
}
