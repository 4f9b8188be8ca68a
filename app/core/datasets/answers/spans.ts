/** Parts of the text with a name: token classification. */
import { z } from 'zod';
import { MAX_ANSWER_SPANS } from '../limits.ts';
import type { EncodedToken } from '../tokenizer/encoding.ts';
import { type AnswerKind, neededText, textUnits, tokenScores } from './kind.ts';
import { softmax } from './labels.ts';

export const SpansAnswerSchema = z.strictObject({
  kind: z.literal('spans'),
  /** [batch, tokens, labels]. */
  output: z.string().min(1),
  /** `bio`: labels are B-x for the first token of a span, I-x for those after it, and `outside`. `plain`: equal labels in a row are one span. */
  scheme: z.enum(['bio', 'plain']).default('bio'),
  /** The label of what has no name. */
  outside: z.string().max(200).default('O'),
});
type SpansAnswer = z.infer<typeof SpansAnswerSchema>;

interface Labelled {
  token: EncodedToken;
  label: string;
  confidence: number;
}

export const spansKind: AnswerKind<SpansAnswer> = {
  answer(how, outputs, { applied, labels }) {
    const { tokens, texts } = neededText(applied);
    const text = texts[0] ?? '';
    const scores = tokenScores(outputs, how.output, tokens.length);
    const labelled = wordLabels(
      tokens.flatMap((token, i): Labelled[] => {
        if (token.special || token.sequence !== 0) return [];
        const confidences = softmax(scores(i));
        const best = confidences.reduce((a, x, j) => (x > (confidences[a] ?? 0) ? j : a), 0);
        return [{ token, label: labels?.[best] ?? String(best), confidence: confidences[best] ?? 0 }];
      }),
    );
    const unit = textUnits(text);
    return {
      kind: 'spans',
      text,
      spans: joined(labelled, how)
        .slice(0, MAX_ANSWER_SPANS)
        .map(({ from, to, label, confidences }) => ({
          from: unit(from),
          to: unit(to),
          text: text.slice(unit(from), unit(to)),
          label,
          confidence: confidences.reduce((a, b) => a + b, 0) / confidences.length,
        })),
    };
  },
};

/** A word has the label of its first token, which is the one that models are trained on. */
function wordLabels(all: readonly Labelled[]): Labelled[] {
  return all.map((one) => {
    const first = all.find((other) => other.token.word === one.token.word) ?? one;
    return first === one ? one : { ...one, label: first.label.replace(/^B-/, 'I-') };
  });
}

interface Span {
  from: number;
  to: number;
  label: string;
  confidences: number[];
}

function joined(all: readonly Labelled[], { scheme, outside }: SpansAnswer): Span[] {
  const spans: Span[] = [];
  let open: Span | undefined;
  for (const { token, label, confidence } of all) {
    const [mark, name] = scheme === 'bio' && /^[BIES]-/.test(label) ? [label[0], label.slice(2)] : ['I', label];
    if (label === outside) {
      open = undefined;
      continue;
    }
    if (open?.label === name && mark !== 'B' && mark !== 'S') {
      open.to = token.to;
      open.confidences.push(confidence);
      continue;
    }
    open = { from: token.from, to: token.to, label: name, confidences: [confidence] };
    spans.push(open);
  }
  return spans;
}
