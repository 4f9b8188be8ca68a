import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ReadAdministratorFile } from '#contract';
import { client } from '../../lib/engine.ts';
import { exact, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Check, TextField } from '../../parts/field.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import trust from '../trust/trust.module.css';
import { Compared } from './compared.tsx';

interface Props {
  text: string;
  file: Extract<ReadAdministratorFile, { kind: 'grant' }>;
  onDone: () => void;
}

/** Managing the devices of the workspace that wrote a grant. */
export function JoinForm({ text, file, onDone }: Props) {
  const { fingerprint } = file;
  const [name, setName] = useState(file.name);
  const [same, setSame] = useState(false);
  const join = useMutation({ mutationFn: () => client.administrators.join({ text, fingerprint, name: name.trim() }) });
  if (join.data) {
    const { membership, renamed, left } = join.data;
    return (
      <section className={trust.offer} aria-label="What was joined">
        <div role="status">
          <Meaning tone="good" word={`Joined ${plainName(membership.name)}`} />
          <p className="dim">
            Until {exact(membership.until)}. Its devices here: {membership.devices.join(', ') || 'none'}.
          </p>
        </div>
        {renamed.length > 0 && (
          <p>{renamed.map(({ from, to }) => `${plainName(from)} is called ${to} here, because another device has its name.`).join(' ')}</p>
        )}
        {left.length > 0 && <p>{left.map((one) => `${plainName(one.name)} was left out: ${plainName(one.why)}.`).join(' ')}</p>}
        <div className={trust.aside}>
          <Button kind="primary" onClick={onDone}>
            Done
          </Button>
        </div>
      </section>
    );
  }
  return (
    <form
      className={trust.offer}
      aria-label="What would be joined"
      onSubmit={(event) => {
        event.preventDefault();
        if (same && name.trim() !== '' && !join.isPending) join.mutate();
      }}
    >
      <Compared what={`A grant of the workspace ${plainName(file.name)}, for this laptop as ${plainName(file.administrator)}.`} fingerprint={fingerprint} />
      <p>
        {plural(file.devices.length, 'device')} until {exact(file.until)}
        {file.devices.length > 0 && `: ${file.devices.map(plainName).join(', ')}`}
      </p>
      <TextField label="What to call the workspace here" maxLength={80} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Check label="The fingerprints are the same" checked={same} onChange={(event) => setSame(event.currentTarget.checked)} />
      {join.isError && <ErrorPanel error={join.error} title="Nothing was joined." />}
      <div className={trust.aside}>
        <Button kind="primary" type="submit" disabled={!same || name.trim() === ''} busy={join.isPending && 'Joining'}>
          Join the workspace
        </Button>
      </div>
    </form>
  );
}
