import type { Answer, RowAnswer } from '#contract';
import { columnNumber, columnPercent, count } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Boxes } from './boxes-view.tsx';
import styles from './playground.module.css';
import { Similarity, Spans, TextBody } from './text-answers.tsx';
import { topLabel } from './top-label.ts';

/** Most rows of a table shown; the command line gives them all. */
const MAX_ROWS = 200;

type Of<K extends Answer['kind']> = Extract<Answer, { kind: K }>;

/** The answer as people read it, one form for each kind. */
export function AnswerBody({ answer, picture }: { answer: Answer; picture?: string | undefined }) {
  switch (answer.kind) {
    case 'labels':
      return <Labels labels={answer.labels} />;
    case 'values':
      return <Values values={answer.values} />;
    case 'boxes':
      return <Boxes answer={answer} picture={picture} />;
    case 'text':
      return <TextBody answer={answer} />;
    case 'spans':
      return <Spans answer={answer} />;
    case 'embedding':
      return <Similarity answer={answer} />;
    case 'tensors':
      return <Tensors tensors={answer.tensors} />;
    case 'several':
      return answer.parts.map((part) => (
        <section key={part.title}>
          <h3>{part.title}</h3>
          <AnswerBody answer={part.answer} picture={picture} />
        </section>
      ));
    case 'rows': {
      const [only] = answer.rows;
      return answer.total === 1 && only ? <AnswerBody answer={only} picture={picture} /> : <Rows answer={answer} />;
    }
  }
}

function Labels({ labels }: Pick<Of<'labels'>, 'labels'>) {
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
        {labels.map((label) => (
          <tr key={label.index}>
            <th scope="row" title={plainName(label.label)}>
              <bdi>{plainName(label.label)}</bdi>
            </th>
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

function Values({ values }: Pick<Of<'values'>, 'values'>) {
  return (
    <table className={styles.values}>
      <tbody>
        {values.map((value) => (
          <tr key={value.name}>
            <th scope="row">{plainName(value.name)}</th>
            <td className="num">{columnNumber(value.value)}</td>
            <td className="dim">{value.unit ?? ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Tensors({ tensors }: Pick<Of<'tensors'>, 'tensors'>) {
  return (
    <ul className={styles.tensors}>
      {tensors.map((tensor) => (
        <li key={tensor.name}>
          <code>
            {tensor.name} [{tensor.preview.map((value) => (typeof value === 'string' ? value : columnNumber(value ?? undefined))).join(', ')}, …]
          </code>
        </li>
      ))}
    </ul>
  );
}

/** One line for each row: values side by side, anything else in a word. */
function Rows({ answer }: { answer: Of<'rows'> }) {
  const shown = answer.rows.slice(0, MAX_ROWS);
  const [first] = shown;
  const heads =
    first?.kind === 'values' ? first.values.map((value) => (value.unit === undefined ? value.name : `${value.name}, ${value.unit}`)) : ['Answer', 'Confidence'];
  return (
    <>
      <table className={styles.grid} aria-label="Answer for each row">
        <thead>
          <tr>
            <th scope="col" className="num">
              Row
            </th>
            {heads.map((head, i) => (
              <th key={head} scope="col" className={first?.kind === 'values' || i > 0 ? 'num' : ''}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, i) => (
            // Rows of a file have no other name than their number.
            <tr key={i}>
              <th scope="row" className="num">
                {count(i + 1)}
              </th>
              <RowCells row={row} />
            </tr>
          ))}
        </tbody>
      </table>
      {answer.total > shown.length && (
        <p className="dim small">{count(answer.total - shown.length)} more rows; the command line gives them all: edgewright run --output FILE.</p>
      )}
    </>
  );
}

function RowCells({ row }: { row: RowAnswer }) {
  if (row.kind === 'values')
    return row.values.map((value) => (
      <td key={value.name} className="num">
        {columnNumber(value.value)}
      </td>
    ));
  return (
    <>
      <td>{topLabel(row)}</td>
      <td className="num">{row.kind === 'labels' && row.labels[0] ? columnPercent(row.labels[0].confidence) : ''}</td>
    </>
  );
}
