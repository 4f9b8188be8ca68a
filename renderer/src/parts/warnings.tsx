import type { Warning } from '#contract';
import { plainName } from '../lib/plain-name.ts';
import { ToneIcon } from './meaning.tsx';
import styles from './warnings.module.css';

/** What does not stop anybody but should be known, each with what to do; nothing where there is nothing. */
export function Warnings({ warnings }: { warnings: readonly Warning[] }) {
  if (warnings.length === 0) return null;
  return (
    <ul className={styles.warnings} aria-label="Warnings">
      {warnings.map((warning) => (
        <li key={`${warning.code} ${warning.where ?? ''} ${warning.message}`}>
          <ToneIcon tone="notice" />
          <div>
            <p className={styles.message}>{plainName(warning.message)}</p>
            {warning.hint !== undefined && <p className="dim">{plainName(warning.hint)}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
