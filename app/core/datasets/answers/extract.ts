/** The part of the second text that answers the first: question answering by where an answer begins and ends. */
import { z } from 'zod';
import { MAX_EXTRACT_TOKENS } from '../limits.ts';
import { type AnswerKind, firstSample, neededText, textUnits } from './kind.ts';
import { softmax } from './labels.ts';

export const ExtractAnswerSchema = z.strictObject({
  kind: z.literal('extract'),
  /** [batch, tokens] each: how likely the answer begins, and ends, there. */
  start: z.string().min(1).default('start_logits'),
  end: z.string().min(1).default('end_logits'),
  maxTokens: z.number().int().min(1).max(MAX_EXTRACT_TOKENS).default(30),
});
type ExtractAnswer = z.infer<typeof ExtractAnswerSchema>;

export const extractKind: AnswerKind<ExtractAnswer> = {
  answer({ start, end, maxTokens }, outputs, { applied }) {
    const { tokens, texts } = neededText(applied);
    const text = texts[1] ?? texts[0] ?? '';
    const sequence = texts.length > 1 ? 1 : 0;
    const [begins, ends] = [softmax(firstSample(outputs, start)), softmax(firstSample(outputs, end))];
    let best = { from: -1, to: -1, confidence: 0 };
    tokens.forEach((first, i) => {
      if (first.sequence !== sequence) return;
      for (let j = i; j < Math.min(tokens.length, i + maxTokens) && tokens[j]?.sequence === sequence; j++) {
        const confidence = (begins[i] ?? 0) * (ends[j] ?? 0);
        if (confidence > best.confidence) best = { from: first.from, to: tokens[j]?.to ?? first.to, confidence };
      }
    });
    const unit = textUnits(text);
    const [from, to] = [unit(best.from), unit(best.to)];
    // Models say that there is no answer by pointing at their first token.
    const none = best.from < 0 || (tokens[0]?.special === true && (begins[0] ?? 0) * (ends[0] ?? 0) > best.confidence);
    return { kind: 'spans', text, spans: none ? [] : [{ from, to, text: text.slice(from, to), label: 'answer', confidence: best.confidence }] };
  },
};
