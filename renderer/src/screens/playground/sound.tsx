/** A recording as it was given: its shape over time, its length, and a way to hear it. */
import { useEffect, useRef, useState } from 'react';
import { number } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import styles from './sound.module.css';

/** Points of the drawn shape across its width. */
const POINTS = 320;
const HEIGHT = 64;

interface Heard {
  seconds: number;
  /** The loudest of each stretch, 0..1. */
  peaks: number[];
}

async function listen(bytes: ArrayBuffer): Promise<Heard> {
  // Any rate does: only the shape is shown. The model gets the file itself.
  const sound = await new OfflineAudioContext(1, 1, 16_000).decodeAudioData(bytes);
  const samples = sound.getChannelData(0);
  const each = Math.max(1, Math.ceil(samples.length / POINTS));
  const peaks = Array.from({ length: Math.ceil(samples.length / each) }, (_, i) =>
    samples.subarray(i * each, (i + 1) * each).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0),
  );
  return { seconds: sound.duration, peaks };
}

export function Sound({ bytes, name }: { bytes: Blob; name: string }) {
  const player = useRef<HTMLAudioElement>(null);
  const [heard, setHeard] = useState<Heard | 'unknown'>();
  useEffect(() => {
    let current = true;
    const url = URL.createObjectURL(bytes);
    if (player.current) player.current.src = url;
    bytes
      .arrayBuffer()
      .then(listen)
      .then(
        (found) => current && setHeard(found),
        () => current && setHeard('unknown'),
      );
    return () => {
      current = false;
      URL.revokeObjectURL(url);
    };
  }, [bytes]);
  return (
    <figure className={styles.sound}>
      {heard !== undefined && heard !== 'unknown' && <Shape peaks={heard.peaks} />}
      <figcaption>
        <bdi>{plainName(name)}</bdi>
        {heard === 'unknown' && ', which this browser cannot play'}
        {heard !== undefined && heard !== 'unknown' && `, ${number(heard.seconds)} s`}
      </figcaption>
      <audio ref={player} controls hidden={heard === 'unknown'} aria-label={`Hear ${plainName(name)}`} />
    </figure>
  );
}

function Shape({ peaks }: { peaks: readonly number[] }) {
  const most = Math.max(...peaks, 1e-6);
  const path = peaks.map((peak, i) => `M${i + 0.5} ${(HEIGHT / 2) * (1 - peak / most)}v${Math.max(1, HEIGHT * (peak / most))}`).join('');
  return (
    <svg className={styles.shape} viewBox={`0 0 ${peaks.length} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      <path d={path} />
    </svg>
  );
}
