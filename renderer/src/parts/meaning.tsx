/** A state as people tell it at a glance: icon, word and colour together, the reason beneath or on hover. */
import { IconAlertTriangleFilled, IconCircleCheckFilled, IconCircleDashed, IconCircleXFilled, IconPlayerPlayFilled } from '@tabler/icons-react';
import type { Meaning as MeaningData, Tone } from '../lib/states.ts';
import styles from './meaning.module.css';

const ICONS: Record<Tone, typeof IconCircleCheckFilled> = {
  good: IconCircleCheckFilled,
  notice: IconAlertTriangleFilled,
  bad: IconCircleXFilled,
  running: IconPlayerPlayFilled,
  neutral: IconCircleDashed,
};

export function ToneIcon({ tone, size = 14 }: { tone: Tone; size?: number }) {
  const Icon = ICONS[tone];
  return <Icon size={size} aria-hidden className={`${styles.icon} ${styles[tone]}`} />;
}

export function Meaning({ tone, word, reason, inline = false }: MeaningData & { /** Shows the reason beside the word. */ inline?: boolean }) {
  return (
    <span className={styles.meaning} title={inline ? undefined : [word, reason].filter((each) => each !== undefined).join(': ')}>
      <ToneIcon tone={tone} />
      <span className={`${styles.word} ${styles[tone]} ${inline && reason !== undefined ? styles.whole : ''}`}>{word}</span>
      {inline && reason !== undefined && <span className={styles.reason}>{reason}</span>}
    </span>
  );
}
