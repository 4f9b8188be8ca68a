/** Long work: words, a bar, and an estimate. Without a fraction the bar only says that it goes on. */
import { percent } from '../lib/format.ts';
import styles from './progress-line.module.css';

interface Props {
  label: string;
  step: string;
  fraction: number | undefined;
  note?: string;
}

export function ProgressLine({ label, step, fraction, note }: Props) {
  return (
    <div className={styles.line}>
      <div className={styles.words}>
        <span>{step}</span>
        <span className={styles.note}>{[fraction === undefined ? undefined : percent(fraction), note].filter(Boolean).join(' · ')}</span>
      </div>
      <progress aria-label={label} max={1} {...(fraction !== undefined && { value: fraction })} />
    </div>
  );
}
