import type { Answer, RunResult } from '#contract';
import { bytes, columnNumber, columnPercent, milliseconds } from '../../lib/format.ts';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Loading } from '../../parts/placeholder.tsx';
import { ToneIcon } from '../../parts/meaning.tsx';
import styles from './playground.module.css';
import { topLabel } from './top-label.ts';
import type { RunState } from './use-runs.ts';

interface Props {
  title: string;
  state: RunState;
  /** The other variant's result on the same input, to mark differences against. */
  against?: RunResult | undefined;
}

export function AnswerPanel({ title, state, against }: Props) {
  const { result } = state;
  const differs = result && against ? topLabel(result.answer) !== topLabel(against.answer) : false;
  return (
    <section className={styles.answer} aria-label={`Answer of ${title}`} aria-busy={state.running}>
      <h2>{title}</h2>
      {state.error !== undefined && <ErrorPanel error={state.error} />}
      {state.error === undefined &&
        !result &&
        (state.running ? <Loading what="Loading the model and running it" /> : <p className="dim">The answer appears here once there is an input.</p>)}
      {result && (
        <>
          <div className={styles.reading}>
            <p className={styles.top} role="status">
              <span className="visually-hidden">{title} reads </span>
              {topLabel(result.answer)}
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
          <AnswerBody answer={result.answer} />
          <Strip result={result} />
        </>
      )}
    </section>
  );
}

function AnswerBody({ answer }: { answer: Answer }) {
  if (answer.kind === 'labels') {
    return (
      <table className={styles.bars} aria-label="Confidence by label">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Label</th>
            <th scope="col">Bar</th>
            <th scope="col">Confidence</th>
          </tr>
        </thead>
        <tbody>
          {answer.labels.map((label) => (
            <tr key={label.index}>
              <th scope="row">{label.label}</th>
              <td>
                <span className={styles.track} aria-hidden>
                  <span className={styles.bar} style={{ width: `${Math.max(0.5, label.confidence * 100)}%` }} />
                </span>
              </td>
              <td className="num">{columnPercent(label.confidence)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    );
  }
  if (answer.kind === 'values') {
    return (
      <table className={styles.values}>
        <tbody>
          {answer.values.map((value) => (
            <tr key={value.name}>
              <th scope="row">{value.name}</th>
              <td className="num">{columnNumber(value.value)}</td>
              <td className="dim">{value.unit ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    );
  }
  return (
    <ul className={styles.tensors}>
      {answer.tensors.map((tensor) => (
        <li key={tensor.name}>
          <code>
            {tensor.name} [{tensor.preview.map((value) => columnNumber(value ?? undefined)).join(', ')}, …]
          </code>
        </li>
      ))}
    </ul>
  );
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
          {actual.length === 0 ? `${requested} asked for` : actual.map(([name, nodes]) => `${name} (${nodes} nodes)`).join(', ')}
          {actual.length > 0 && (
            <span className={fell > 0 ? styles.fell : 'dim'}>{fell > 0 ? `${fell} nodes fell back; asked for ${requested}` : `asked for ${requested}`}</span>
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
