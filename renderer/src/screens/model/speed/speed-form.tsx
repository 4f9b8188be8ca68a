import { useState } from 'react';
import { typedNumber, typedNumbers } from '../../../lib/typed-numbers.ts';
import { Button } from '../../../parts/button.tsx';
import { Check, TextField } from '../../../parts/field.tsx';
import styles from './speed.module.css';

export interface SpeedQuestion {
  threads: number[];
  batches: number[];
  rounds: number;
  runsPerRound: number;
  p99Ms?: number;
  tune: boolean;
  compareProviders: boolean;
  profile: boolean;
}

/** Settings that are measured side by side, at most. */
const MAX_SETTINGS = 16;
/** Numbers in one field, at most. */
const MAX_VALUES = 8;

export function SpeedForm({ running, onMeasure }: { running: boolean; onMeasure: (question: SpeedQuestion) => void }) {
  const [threads, setThreads] = useState('1');
  const [batches, setBatches] = useState('1');
  const [rounds, setRounds] = useState('5');
  const [runs, setRuns] = useState('100');
  const [p99, setP99] = useState('');
  const [tune, setTune] = useState(false);
  const [compare, setCompare] = useState(false);
  const asked = {
    threads: typedNumbers(threads, { low: 0, high: 256, most: MAX_VALUES }),
    batches: typedNumbers(batches, { low: 1, high: 4096, most: MAX_VALUES }),
    rounds: typedNumber(rounds, { low: 1, high: 100 }),
    runs: typedNumber(runs, { low: 5, high: 10_000 }),
    limit: p99.trim() === '' ? undefined : typedNumber(p99, { low: 0.001, high: 3_600_000, fraction: true }),
  };
  const tooMany = asked.threads.values.length * asked.batches.values.length > MAX_SETTINGS;
  const wrong = tooMany || Object.values(asked).some((one) => one?.problem !== undefined);
  const begin = (): void =>
    onMeasure({
      threads: asked.threads.values,
      batches: asked.batches.values,
      rounds: asked.rounds.value,
      runsPerRound: asked.runs.value,
      ...(asked.limit && { p99Ms: asked.limit.value }),
      tune,
      compareProviders: compare,
      profile: true,
    });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong && !running) begin();
      }}
    >
      <div className={styles.fields}>
        <TextField
          label="Threads"
          hint="Several with commas; 0 is all cores."
          value={threads}
          problem={asked.threads.problem}
          onChange={(event) => setThreads(event.currentTarget.value)}
        />
        <TextField
          label="Samples in a run"
          hint="Several with commas, each with every number of threads."
          value={batches}
          problem={asked.batches.problem ?? (tooMany ? `At most ${MAX_SETTINGS} settings at once` : undefined)}
          onChange={(event) => setBatches(event.currentTarget.value)}
        />
        <TextField
          label="Rounds"
          inputMode="numeric"
          value={rounds}
          problem={asked.rounds.problem}
          onChange={(event) => setRounds(event.currentTarget.value)}
        />
        <TextField
          label="Runs in a round"
          inputMode="numeric"
          value={runs}
          problem={asked.runs.problem}
          onChange={(event) => setRuns(event.currentTarget.value)}
        />
        <TextField
          label="Largest batch with p99 below"
          unit="ms"
          inputMode="decimal"
          placeholder="not asked"
          value={p99}
          problem={asked.limit?.problem}
          onChange={(event) => setP99(event.currentTarget.value)}
        />
      </div>
      <div className={styles.begin}>
        <Check
          label="Find the fastest settings"
          note="Tries numbers of threads and graph optimizations side by side."
          checked={tune}
          onChange={(event) => setTune(event.currentTarget.checked)}
        />
        <Check
          label="Compare execution providers"
          note="Measures every one that works here, and recommends one."
          checked={compare}
          onChange={(event) => setCompare(event.currentTarget.checked)}
        />
        <Button kind="primary" type="submit" disabled={wrong} busy={running && 'Measuring'}>
          Measure on this computer
        </Button>
      </div>
    </form>
  );
}
