/** A bundle out of a registry. */
import { useState } from 'react';
import type { BundleSummary } from '#contract';
import { client } from '../../lib/engine.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import { TextField } from '../../parts/field.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import styles from './bundles.module.css';
import { NO_ACCESS, RegistryAccessFields, toAccess } from './registry-access.tsx';

export function RegistryWay({ onDone }: { onDone: (bundle: BundleSummary) => void }) {
  const [target, setTarget] = useState('');
  const [access, setAccess] = useState(NO_ACCESS);
  const pull = useJobCall({
    call: (from: string, jobId, signal) => client.registries.pull({ target: from, access: toAccess(access), jobId }, { signal }),
    onSuccess: onDone,
  });
  const place = target.trim();
  return (
    <form
      className={styles.way}
      onSubmit={(event) => {
        event.preventDefault();
        if (place.includes('/') && !pull.running) pull.begin(place);
      }}
    >
      <h3>An OCI registry</h3>
      <p className="dim">Only what is not here yet is fetched. It is checked like a build; one that nobody trusted here signed comes in quarantined.</p>
      <TextField
        label="Where from"
        mono
        placeholder="registry.example.com/models/digits:1.0.0"
        hint="Host, repository, and a tag or digest."
        value={target}
        disabled={pull.running}
        onChange={(event) => {
          setTarget(event.currentTarget.value);
          pull.reset();
        }}
      />
      <RegistryAccessFields value={access} onChange={setAccess} disabled={pull.running} />
      <Button kind="primary" type="submit" disabled={!place.includes('/')} busy={pull.running && 'Pulling'}>
        Pull the bundle
      </Button>
      <JobLine label="Pull" call={pull} failed="Nothing was stored." stopped="What was fetched is kept for a week: pulling again goes on from there." />
    </form>
  );
}
