/** Answers about texts: what was written, named parts of a text, and how alike texts are. */
import type { Answer } from '#contract';
import { columnPercent, count, plural } from '../../lib/format.ts';
import styles from './playground.module.css';

type Of<K extends Answer['kind']> = Extract<Answer, { kind: K }>;

const ENDED = {
  end: 'The model ended it.',
  stop: 'It ended at a stop of the recipe.',
  length: 'It ended at the most tokens the recipe allows.',
  context: 'It ended because the model can take in no more.',
};

/** Whatever the model wrote may turn the direction of writing: it does so within its own box alone. */
export function Written({ text }: { text: string }) {
  return (
    <p className={styles.written} dir="auto">
      {text}
    </p>
  );
}

export function TextBody({ answer }: { answer: Of<'text'> }) {
  return (
    <>
      {answer.text === '' ? <p className="dim">No text.</p> : <Written text={answer.text} />}
      {answer.ended !== undefined && (
        <p className="dim small">
          {plural(answer.tokens, 'token')}. {ENDED[answer.ended]}
        </p>
      )}
    </>
  );
}

/** The text with its named parts marked where they stand. */
export function Spans({ answer: { text, spans } }: { answer: Of<'spans'> }) {
  const inOrder = spans.toSorted((a, b) => a.from - b.from);
  return (
    <>
      <p className={styles.written} dir="auto">
        {inOrder.map((span, i) => (
          <span key={span.from}>
            {text.slice(inOrder[i - 1]?.to ?? 0, span.from)}
            <mark className={styles.span} title={columnPercent(span.confidence)}>
              <bdi>{span.text}</bdi> <small>{span.label}</small>
            </mark>
          </span>
        ))}
        {text.slice(inOrder.at(-1)?.to ?? 0)}
      </p>
      {spans.length === 0 && <p className="dim">Nothing in it has a name.</p>}
    </>
  );
}

/** The cosine of each pair; the more alike, the darker. */
export function Similarity({ answer: { dimensions, texts, similarity } }: { answer: Of<'embedding'> }) {
  const name = (i: number): string => texts?.[i] ?? `row ${count(i + 1)}`;
  if (similarity.length < 2) return <p className="dim">{count(dimensions)} numbers. Give several texts to compare them.</p>;
  return (
    <table className={styles.grid} aria-label="How alike the texts are, as cosine">
      <thead>
        <tr>
          <th scope="col">Text</th>
          {similarity.map((_row, i) => (
            // Texts may be equal; their places are not.
            <th key={i} scope="col" className="num">
              {count(i + 1)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {similarity.map((row, i) => (
          <tr key={i}>
            <th scope="row" className={styles.named} title={name(i)}>
              {count(i + 1)} <bdi>{name(i)}</bdi>
            </th>
            {row.map((value, j) => (
              <td key={j} className="num" style={{ background: `color-mix(in srgb, var(--accent) ${Math.max(0, value * 35).toFixed(0)}%, transparent)` }}>
                {value.toFixed(3)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
