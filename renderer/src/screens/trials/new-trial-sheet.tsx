import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { BundleSummary, Settings } from '#contract';
import { client, orpc } from '../../lib/engine.ts';
import { count, plural } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { typedNumber } from '../../lib/typed-numbers.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Check, SelectField, TextField } from '../../parts/field.tsx';
import { Empty, Loading } from '../../parts/placeholder.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { GateList } from '../../parts/gate-list.tsx';
import styles from './trials.module.css';

interface Props {
  opened: boolean;
  /** The bundle to begin with; anything that is no bundle lets the newest be chosen. */
  initialRef: string | undefined;
  onClose: () => void;
}

const VARIANTS = [
  { name: 'int8-dynamic', note: 'Weights as int8, activations measured at run time. No calibration; fast to make.' },
  { name: 'int8-static', note: 'Weights and activations as int8 with ranges from the calibration set. Usually the fastest on a CPU with int8 instructions.' },
];

export function NewTrialSheet({ opened, initialRef, onClose }: Props) {
  const bundles = useQuery({ ...orpc.bundles.list.queryOptions(), enabled: opened });
  const settings = useQuery({ ...orpc.system.settings.queryOptions(), enabled: opened });
  if (!opened) return null;
  if (!bundles.data || !settings.data) {
    return (
      <Sheet title="Set up a trial" opened onClose={onClose}>
        {bundles.isError || settings.isError ? <ErrorPanel error={bundles.error ?? settings.error} /> : <Loading what="Reading the bundles" />}
      </Sheet>
    );
  }
  const usable = bundles.data.filter((bundle) => bundle.state === 'sound').toSorted((a, b) => b.createdAt - a.createdAt);
  const first = usable[0];
  if (!first) {
    return (
      <Sheet title="Set up a trial" opened onClose={onClose}>
        <Empty title="No sound bundle to try">
          <p>
            <Link to="/bundles">Add a bundle</Link> first.
          </p>
        </Empty>
      </Sheet>
    );
  }
  const start = usable.find((bundle) => refOf(bundle) === initialRef) ?? first;
  return <Form key={refOf(start)} bundles={usable} start={start} settings={settings.data} onClose={onClose} />;
}

function Form({ bundles, start, settings, onClose }: { bundles: readonly BundleSummary[]; start: BundleSummary; settings: Settings; onClose: () => void }) {
  const navigate = useNavigate();
  const [ref, setRef] = useState(refOf(start));
  const [variants, setVariants] = useState<readonly string[]>(VARIANTS.map((variant) => variant.name));
  const [gates, setGates] = useState<string[]>(settings.defaultGates);
  const [rounds, setRounds] = useState('5');
  const [runs, setRuns] = useState('200');
  const [threads, setThreads] = useState('1');
  const [budget, setBudget] = useState('30');
  const numbers = {
    rounds: typedNumber(rounds, { low: 1, high: 100 }),
    runs: typedNumber(runs, { low: 5, high: 10_000 }),
    threads: typedNumber(threads, { low: 0, high: 256 }),
    budget: typedNumber(budget, { low: 0.1, high: 1440, fraction: true }),
  };
  const begin = useMutation({
    mutationFn: () =>
      client.trials.start({
        ref,
        variants: ['fp32', ...variants],
        gates: gates.map((gate) => gate.trim()).filter((gate) => gate !== ''),
        rounds: numbers.rounds.value,
        runsPerRound: numbers.runs.value,
        threads: numbers.threads.value,
        budgetMinutes: numbers.budget.value,
      }),
    onSuccess: ({ trialId }) => void navigate({ to: '/trials/$id', params: { id: trialId } }),
  });
  const wrong = Object.values(numbers).some((each) => each.problem !== undefined);
  const total = variants.length + 1;
  return (
    <Sheet
      title="Set up a trial"
      opened
      onClose={onClose}
      size={520}
      footer={
        <>
          <p className={styles.cost}>
            {wrong
              ? 'Correct the fields marked above.'
              : `${plural(total, 'variant')} × ${count(numbers.rounds.value * numbers.runs.value)} timed runs, at most ${plural(numbers.budget.value, 'minute')}.`}
          </p>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" disabled={wrong} busy={begin.isPending && 'Starting'} onClick={() => begin.mutate()}>
            Try {plural(total, 'variant')}
          </Button>
        </>
      }
    >
      <SelectField
        label="Bundle"
        data-autofocus
        value={ref}
        options={bundles.map((bundle) => ({ value: refOf(bundle), label: refOf(bundle) }))}
        onChange={(event) => setRef(event.currentTarget.value)}
      />
      <fieldset className={styles.group}>
        <legend>Variants</legend>
        <Check label="fp32" note="Always measured: the others are compared with it." checked disabled readOnly />
        {VARIANTS.map((variant) => (
          <Check
            key={variant.name}
            label={variant.name}
            note={variant.note}
            checked={variants.includes(variant.name)}
            onChange={(event) => setVariants(event.currentTarget.checked ? [...variants, variant.name] : variants.filter((each) => each !== variant.name))}
          />
        ))}
      </fieldset>
      <fieldset className={styles.group}>
        <legend>Gates</legend>
        <p className={styles.note}>A variant passes when it meets every gate and its own golden set.</p>
        <GateList gates={gates} onChange={setGates} />
      </fieldset>
      <fieldset className={styles.group}>
        <legend>Measurement on this computer</legend>
        <div className={styles.pair}>
          <TextField
            label="Rounds"
            inputMode="numeric"
            value={rounds}
            problem={numbers.rounds.problem}
            onChange={(event) => setRounds(event.currentTarget.value)}
          />
          <TextField
            label="Runs in a round"
            inputMode="numeric"
            value={runs}
            problem={numbers.runs.problem}
            onChange={(event) => setRuns(event.currentTarget.value)}
          />
          <TextField
            label="Threads"
            inputMode="numeric"
            value={threads}
            problem={numbers.threads.problem}
            hint="0 = all usable cores"
            onChange={(event) => setThreads(event.currentTarget.value)}
          />
          <TextField
            label="At most"
            unit="minutes"
            inputMode="decimal"
            value={budget}
            problem={numbers.budget.problem}
            onChange={(event) => setBudget(event.currentTarget.value)}
          />
        </div>
      </fieldset>
      {begin.isError && <ErrorPanel error={begin.error} title="The trial was not started." />}
    </Sheet>
  );
}
