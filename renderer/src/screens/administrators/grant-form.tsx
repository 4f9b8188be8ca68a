import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { DEFAULT_GRANT_DAYS, MAX_GRANT_DAYS, type ReadAdministratorFile } from '#contract';
import { saveFile } from '../../lib/csv.ts';
import { client } from '../../lib/engine.ts';
import { exact } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Check, TextField } from '../../parts/field.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import trust from '../trust/trust.module.css';
import { Compared } from './compared.tsx';

interface Props {
  text: string;
  file: Extract<ReadAdministratorFile, { kind: 'identity' }>;
  onDone: () => void;
}

/** Letting another laptop manage the devices here, for a time. */
export function GrantForm({ text, file, onDone }: Props) {
  const { fingerprint, known } = file;
  const [name, setName] = useState(known?.name ?? file.name);
  const [days, setDays] = useState(String(DEFAULT_GRANT_DAYS));
  const [same, setSame] = useState(false);
  const grant = useMutation({ mutationFn: () => client.administrators.grant({ text, fingerprint, name: name.trim(), days: Number(days) }) });
  const wholeDays = /^\d+$/.test(days.trim()) && Number(days) >= 1 && Number(days) <= MAX_GRANT_DAYS;
  if (grant.data) {
    const { administrator, text: file_, fingerprint: own } = grant.data;
    return (
      <section className={trust.offer} aria-label="The grant">
        <div role="status">
          <Meaning tone="good" word={`${plainName(administrator.name)} may manage the devices here once it has joined`} />
          {administrator.until !== undefined && <p className="dim">Until {exact(administrator.until)}.</p>}
        </div>
        <p>Hand this file back. The other laptop joins with it, and shows this workspace’s fingerprint to compare:</p>
        <Copyable text={own} label="Copy the fingerprint of this workspace" />
        <div className={trust.aside}>
          <Button
            kind="primary"
            onClick={() => saveFile(`edgewright-grant-${administrator.fingerprint.slice(0, 8)}.json`, new Blob([file_], { type: 'application/json' }))}
          >
            Save the grant
          </Button>
          <Button onClick={onDone}>Done</Button>
        </div>
      </section>
    );
  }
  return (
    <form
      className={trust.offer}
      aria-label="What would be granted"
      onSubmit={(event) => {
        event.preventDefault();
        if (same && wholeDays && name.trim() !== '' && !grant.isPending) grant.mutate();
      }}
    >
      <Compared what={`The identity of a laptop that calls itself ${plainName(file.name)}.`} fingerprint={fingerprint}>
        {known && <Meaning tone={known.state === 'revoked' ? 'bad' : 'notice'} word={`Known here as ${plainName(known.name)}`} reason={known.state} inline />}
      </Compared>
      <TextField label="Name" maxLength={80} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <TextField
        label="Counts for"
        unit="days"
        inputMode="numeric"
        value={days}
        hint="Then it ends by itself. Granting again renews it."
        problem={wholeDays ? undefined : `A whole number from 1 to ${MAX_GRANT_DAYS}`}
        onChange={(event) => setDays(event.currentTarget.value)}
      />
      <Check label="The fingerprints are the same" checked={same} onChange={(event) => setSame(event.currentTarget.checked)} />
      {grant.isError && <ErrorPanel error={grant.error} title="Nothing was granted." />}
      <div className={trust.aside}>
        <Button kind="primary" type="submit" disabled={!same || !wholeDays || name.trim() === ''} busy={grant.isPending && 'Granting'}>
          Grant it the devices
        </Button>
      </div>
    </form>
  );
}
