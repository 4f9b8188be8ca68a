/** The chain a device or provider climbs, present → driver ok → runtime ok → verified, showing where it stopped. */
import { IconCheck, IconMinus, IconX } from '@tabler/icons-react';
import type { Reach } from '#contract';
import { REACH } from '../lib/states.ts';
import styles from './chain.module.css';

const STEPS = REACH.slice(1);

/** Why it ends where it does: something is at fault; it can get no further here, whatever is mended; or nobody tried. */
export type ChainEnd = 'stopped' | 'no path' | 'not tried';

const END_WORDS: Record<ChainEnd, string> = { stopped: ', not reached', 'no path': ', not to be had here', 'not tried': ', not tried yet' };

export function Chain({ state, of, end = 'stopped' }: { state: Reach; of: string; end?: ChainEnd }) {
  const reached = REACH.indexOf(state);
  return (
    <ol className={styles.chain} aria-label={`How far ${of} gets`}>
      {STEPS.map((step, index) => {
        const position = index + 1;
        const kind = position <= reached ? 'done' : position === reached + 1 && end === 'stopped' ? 'stopped' : 'open';
        return (
          <li key={step} className={`${styles.step} ${styles[kind]}`}>
            <span className={styles.dot}>
              {kind === 'done' && <IconCheck size={10} stroke={3} aria-hidden />}
              {kind === 'stopped' && <IconX size={10} stroke={3} aria-hidden />}
              {kind === 'open' && position === reached + 1 && <IconMinus size={10} stroke={3} aria-hidden />}
            </span>
            {step}
            <span className="visually-hidden">{kind === 'done' ? ', reached' : kind === 'stopped' ? ', stopped here' : END_WORDS[end]}</span>
          </li>
        );
      })}
    </ol>
  );
}
