/** The chain a device or provider climbs, present → driver ok → runtime ok → verified, showing where it stopped. */
import { IconCheck, IconMinus, IconX } from '@tabler/icons-react';
import type { Reach } from '#contract';
import { REACH } from '../lib/states.ts';
import styles from './chain.module.css';

const STEPS = REACH.slice(1);

export function Chain({
  state,
  of,
  final = false,
}: {
  state: Reach;
  of: string /** It can get no further here, whatever is mended: no fault. */;
  final?: boolean;
}) {
  const reached = REACH.indexOf(state);
  return (
    <ol className={styles.chain} aria-label={`How far ${of} gets`}>
      {STEPS.map((step, index) => {
        const position = index + 1;
        const kind = position <= reached ? 'done' : position === reached + 1 && !final ? 'stopped' : 'open';
        return (
          <li key={step} className={`${styles.step} ${styles[kind]}`}>
            <span className={styles.dot}>
              {kind === 'done' && <IconCheck size={10} stroke={3} aria-hidden />}
              {kind === 'stopped' && <IconX size={10} stroke={3} aria-hidden />}
              {kind === 'open' && position === reached + 1 && <IconMinus size={10} stroke={3} aria-hidden />}
            </span>
            {step}
            <span className="visually-hidden">
              {kind === 'done' ? ', reached' : kind === 'stopped' ? ', stopped here' : final ? ', not to be had here' : ', not reached'}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
