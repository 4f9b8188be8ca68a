import type { Trial } from '#contract';
import { errorSize, percent } from '../../lib/format.ts';
import { ToneIcon } from '../../parts/meaning.tsx';
import styles from './trials.module.css';

/** Every gate and golden set by variant: passed or not, what was found, what the limit is. */
export function GatesTable({ trial }: { trial: Trial }) {
  const gates = [...new Set([...trial.spec.gates, ...trial.variants.flatMap((variant) => variant.gates.map((gate) => gate.gate))])];
  return (
    <div className={styles.scroll}>
      <table className={styles.matrix} aria-label="Gates and golden sets by variant">
        <thead>
          <tr>
            <th scope="col">Gate</th>
            {trial.variants.map((variant) => (
              <th key={variant.name} scope="col">
                {variant.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">golden set, each to its own rule</th>
            {trial.variants.map((variant) => (
              <td key={variant.name}>
                {variant.golden ? (
                  <Cell pass={variant.golden.pass} value={golden(variant.golden)} limit={variant.golden.rule} />
                ) : (
                  <span className="dim">not yet</span>
                )}
              </td>
            ))}
          </tr>
          {gates.map((gate) => (
            <tr key={gate}>
              <th scope="row">
                <code>{gate}</code>
              </th>
              {trial.variants.map((variant) => {
                const judged = variant.gates.find((each) => each.gate === gate);
                return (
                  <td key={variant.name}>
                    {judged ? <Cell pass={judged.pass} value={judged.value} limit={judged.limit} /> : <span className="dim">not judged</span>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function golden(result: { maxAbsError: number; agreement?: number | undefined }): string {
  return result.agreement === undefined ? `largest error ${errorSize(result.maxAbsError)}` : `${percent(result.agreement)} agree`;
}

function Cell({ pass, value, limit }: { pass: boolean; value: string; limit: string }) {
  return (
    <div className={styles.judged}>
      <ToneIcon tone={pass ? 'good' : 'bad'} />
      <span>
        <span className={pass ? undefined : styles.failed}>{pass ? 'passed' : 'failed'}</span>, {value}
        <span className={styles.limit}>{limit}</span>
      </span>
    </div>
  );
}
