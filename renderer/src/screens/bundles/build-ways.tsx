/** Bundles that are built here: the sample, and any folder with edgewright.yaml. */
import { useState } from 'react';
import type { BundleSummary } from '#contract';
import { client } from '../../lib/engine.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import type { Source } from '../../parts/file-source.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { isWholePath, PathField } from '../../parts/path-field.tsx';
import styles from './bundles.module.css';

const STOPPED = 'Nothing was stored.';

export function SampleWay({ onDone }: { onDone: (bundle: BundleSummary) => void }) {
  const sample = useJobCall({ call: (_: undefined, jobId, signal) => client.bundles.buildSample({ jobId }, { signal }), onSuccess: onDone });
  return (
    <section className={styles.way}>
      <h3>Handwritten digits</h3>
      <p className="dim">A small trained network that reads one digit, with its test set. Enough to walk the whole way from a model to a device.</p>
      <Button kind="primary" busy={sample.running && 'Checking and signing the sample'} onClick={() => sample.begin(undefined)}>
        Add the sample
      </Button>
      <JobLine label="Build" call={sample} failed="The sample was not added." stopped={STOPPED} />
    </section>
  );
}

export function FolderWay({ dropped, onDone }: { dropped: Source; onDone: (bundle: BundleSummary) => void }) {
  const [dir, setDir] = useState(dropped.path);
  const build = useJobCall({ call: (folder: string, jobId, signal) => client.bundles.build({ dir: folder, jobId }, { signal }), onSuccess: onDone });
  const folder = dir.trim();
  return (
    <form
      className={styles.way}
      onSubmit={(event) => {
        event.preventDefault();
        if (isWholePath(folder) && !build.running) build.begin(folder);
      }}
    >
      <h3>A folder with edgewright.yaml</h3>
      <p className="dim">
        It names the bundle, its version and model, and the files beside it. The model is checked, loaded and its golden set run before anything is stored.
      </p>
      {dropped.files.length > 0 && <p>A browser does not say where a dropped folder lies. Type its path, or open Edgewright’s own window.</p>}
      <PathField
        label="Folder on this computer"
        pick="folder"
        placeholder="/home/me/models/digits"
        value={dir}
        disabled={build.running}
        onChange={(path) => {
          setDir(path);
          build.reset();
        }}
      />
      <Button kind="primary" type="submit" disabled={!isWholePath(folder)} busy={build.running && 'Checking, loading and signing'}>
        Build the bundle
      </Button>
      <JobLine label="Build" call={build} failed={STOPPED} stopped={STOPPED} />
    </form>
  );
}
