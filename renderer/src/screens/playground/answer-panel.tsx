import type { Answer, RunResult } from '#contract';
import { bytes, milliseconds, plural } from '../../lib/format.ts';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Loading } from '../../parts/placeholder.tsx';
import { ToneIcon } from '../../parts/meaning.tsx';
import { AnswerBody } from './answer-body.tsx';
import styles from './playground.module.css';
import { Written } from './text-answers.tsx';
import { topLabel } from './top-label.ts';
import type { RunState } from './use-runs.ts';

interface Props {
  title: string;
  state: RunState;
  /** The other variant's result on the same input, to mark differences against. */
  against?: RunResult | undefined;
  /** The picture that was given, as an address. */
  picture?: string | undefined;
}

export function AnswerPanel({ title, state, against, picture }: Props) {
  const { result } = state;
  const differs = result && against ? topLabel(result.answer) !== topLabel(against.answer) : false;
  return (
    <section className={styles.answer} aria-label={`Answer of ${title}`} aria-busy={state.running}>
      <h2>{title}</h2>
      {state.error !== undefined && <ErrorPanel error={state.error} />}
      {state.error === undefined &&
        !result &&
        (state.written !== undefined ? (
          <Written text={state.running ? `${state.written} …` : state.written} />
        ) : state.running ? (
          <Loading what="Loading the model and running it" />
        ) : (
          <p className="dim">The answer appears here once there is an input.</p>
        ))}
      {result && (
        <>
          <div className={isLong(result.answer) && !differs ? undefined : styles.reading}>
            <p className={isLong(result.answer) ? 'visually-hidden' : sizeOf(topLabel(result.answer))} role="status">
              <span className="visually-hidden">{title} reads </span>
              <bdi>{topLabel(result.answer)}</bdi>
            </p>
            {differs && (
              <p className={styles.differs}>
                <ToneIcon tone="notice" /> Differs from {against?.variant ?? 'the other variant'}
              </p>
            )}
            {result.preview && (
              <figure className={styles.preview}>
                <img
                  src={`data:image/png;base64,${result.preview.pngBase64}`}
                  width={64}
                  height={64}
                  alt={`What the model was given, ${result.preview.width} by ${result.preview.height} pixels`}
                />
                <figcaption>
                  What the model saw: {result.preview.width} × {result.preview.height}
                </figcaption>
              </figure>
            )}
          </div>
          <AnswerBody answer={result.answer} picture={picture} />
          <Strip result={result} />
        </>
      )}
    </section>
  );
}

/** Answers that are read as a whole and have no one word. */
function isLong(answer: Answer): boolean {
  return ['text', 'spans', 'embedding', 'boxes'].includes(answer.kind) || (answer.kind === 'rows' && answer.total > 1);
}

/** Longest word that is written as large as a digit, in characters. */
const SHORT = 3;

function sizeOf(word: string | undefined): string | undefined {
  return [...(word ?? '')].length <= SHORT ? styles.top : styles.topWords;
}

/** Below every answer: provider asked for and used, latency, memory. */
function Strip({ result }: { result: RunResult }) {
  const actual = Object.entries(result.providers.actual);
  const requested = result.providers.requested.join(', ');
  const fell = result.providers.fallbacks.length;
  return (
    <dl className={styles.strip}>
      <div>
        <dt>Provider</dt>
        <dd>
          {actual.length === 0 ? `${requested} asked for` : actual.map(([name, nodes]) => `${name} (${plural(nodes, 'node')})`).join(', ')}
          {actual.length > 0 && (
            <span className={fell > 0 ? styles.fell : 'dim'}>
              {fell > 0 ? `${plural(fell, 'node')} fell back; asked for ${requested}` : `asked for ${requested}`}
            </span>
          )}
        </dd>
      </div>
      <div>
        <dt>Latency</dt>
        <dd>{milliseconds(result.latencyMs)}</dd>
      </div>
      <div>
        <dt>Load</dt>
        <dd>{milliseconds(result.loadMs)}</dd>
      </div>
      <div>
        <dt>Memory of the runner</dt>
        <dd>{bytes(result.memoryBytes)}</dd>
      </div>
    </dl>
  );
}
