import { useState } from 'react';
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

export function SpeedForm({ running, onMeasure }: { running: boolean; onMeasure: (question: SpeedQuestion) => void }) {
  const [threads, setThreads] = useState('1');
  const [batches, setBatches] = useState('1');
  const [rounds, setRounds] = useState('5');
  const [runs, setRuns] = useState('100');
  const [p99, setP99] = useState('');
  const [tune, setTune] = useState(false);
  const [compare, setCompare] = useState(false);
  const asked = {
    threads: numbersIn(threads, 0, 256),
    batches: numbersIn(batches, 1, 4096),
    rounds: numbersIn(rounds, 1, 100, 1),
    runs: numbersIn(runs, 5, 10_000, 1),
  };
  const limit = p99.trim() === '' ? undefined : Number(p99);
  const badLimit = limit !== undefined && !(limit > 0 && limit <= 3_600_000) ? 'A number of milliseconds above 0' : undefined;
  const tooMany = asked.threads.values.length * asked.batches.values.length > MAX_SETTINGS;
  const wrong = tooMany || badLimit !== undefined || Object.values(asked).some((one) => one.problem !== undefined);
  const begin = (): void =>
    onMeasure({
      threads: asked.threads.values,
      batches: asked.batches.values,
      rounds: asked.rounds.values[0] ?? 5,
      runsPerRound: asked.runs.values[0] ?? 100,
      ...(limit !== undefined && { p99Ms: limit }),
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
          problem={badLimit}
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

/** Whole numbers between commas. */
function numbersIn(text: string, low: number, high: number, most = 8): { values: number[]; problem: string | undefined } {
  const values = [...new Set(text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN)))];
  const ok = values.length <= most && values.every((value) => value >= low && value <= high);
  const range = `from ${low} to ${high.toLocaleString('en')}`;
  return { values: ok ? values : [low], problem: ok ? undefined : most === 1 ? `A whole number ${range}` : `Whole numbers ${range}, with commas between them` };
}
