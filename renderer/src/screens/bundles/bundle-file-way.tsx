/** A bundle that comes as one file: from a USB stick, another Edgewright, or any tool that writes OCI archives. */
import { useState } from 'react';
import { asEdgewrightError, type BundleSummary } from '#contract';
import { client } from '../../lib/engine.ts';
import { Button } from '../../parts/button.tsx';
import { TextField } from '../../parts/field.tsx';
import { FileSource, hasSource, type Source } from '../../parts/file-source.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { useSourceCall } from '../../parts/use-source-call.ts';
import styles from './bundles.module.css';

export function BundleFileWay({ dropped, onDone }: { dropped: Source; onDone: (bundle: BundleSummary) => void }) {
  const [source, setSource] = useState(dropped);
  const [ref, setRef] = useState('');
  const take = useSourceCall({
    call: (file, jobId, signal) => client.bundles.importFile({ file, jobId, ...(ref.trim() !== '' && { ref: ref.trim() }) }, { signal }),
    onSuccess: onDone,
  });
  const several = take.error !== undefined && asEdgewrightError(take.error).code === 'usage.which-bundle';
  return (
    <form
      className={styles.way}
      onSubmit={(event) => {
        event.preventDefault();
        if (hasSource(source) && !take.running) take.begin(source);
      }}
    >
      <h3>A bundle in one file</h3>
      <p className="dim">
        As <em>Export to a file</em> wrote it, or any OCI archive that holds one. It is checked like a build; one that nobody trusted here signed comes in
        quarantined.
      </p>
      <FileSource
        label="File on this computer"
        placeholder="/media/stick/digits-1.0.0.tar"
        accept=".tar,.gz,.tgz,.oci"
        value={source}
        disabled={take.running}
        onChange={(next) => {
          setSource(next);
          take.reset();
        }}
      />
      {(several || ref !== '') && (
        <TextField
          label="Which bundle"
          mono
          placeholder="digits@1.0.0"
          value={ref}
          disabled={take.running}
          onChange={(event) => setRef(event.currentTarget.value)}
        />
      )}
      <Button kind="primary" type="submit" disabled={!hasSource(source)} busy={take.running && 'Importing'}>
        Import the bundle
      </Button>
      <JobLine label="Import" call={take} failed="Nothing was stored." stopped="What was copied is kept for a week: importing it again goes on from there." />
    </form>
  );
}
