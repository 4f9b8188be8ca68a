import type { Preflight } from '#contract';
import { bytes } from '../../lib/format.ts';
import { ToneIcon } from '../../parts/meaning.tsx';
import styles from './deployments.module.css';

/** What was checked on each device, with the reason for each no, and what would be sent. */
export function PreflightList({ results }: { results: readonly Preflight[] }) {
  return (
    <ul className={styles.preflight}>
      {results.map((result) => (
        <li key={result.device}>
          <div className={styles.verdict}>
            <ToneIcon tone={result.ok ? 'good' : 'bad'} />
            <h3>{result.device}</h3>
            <span>{result.ok ? 'can take it' : 'says no'}</span>
            {result.bytesToSend !== undefined && (
              <span className="dim">
                {bytes(result.bytesToSend)} to send
                {result.bytesThere !== undefined && result.bytesThere > 0 ? `, ${bytes(result.bytesThere)} there already` : ''}
              </span>
            )}
          </div>
          <ul className={styles.checks}>
            {result.checks.map((check) => (
              <li key={check.name}>
                <ToneIcon tone={check.ok ? 'good' : 'bad'} size={12} />
                <span className={styles.checkName}>{check.name}</span>
                <span className={styles.detail}>
                  <span className="visually-hidden">{check.ok ? 'yes: ' : 'no: '}</span>
                  {check.detail}
                </span>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}
