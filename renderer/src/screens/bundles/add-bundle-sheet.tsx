import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { BundleSummary } from '#contract';
import { client } from '../../lib/engine.ts';
import { shell } from '../../lib/shell.ts';
import { refOf } from '../../lib/refs.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { TextField } from '../../parts/field.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import styles from './bundles.module.css';
import { ImportModel } from './import-model.tsx';

/** The ways in: the sample that comes with Edgewright, a model file, or a folder with edgewright.yaml. */
export function AddBundleSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const desktop = shell();
  const [dir, setDir] = useState('');
  const onSuccess = (bundle: BundleSummary): void => {
    onClose();
    notifications.show({ title: `${refOf(bundle)} is in the workspace`, message: 'Checked, its golden set run, stored and signed.' });
    void navigate({ to: '/bundles/$ref', params: { ref: refOf(bundle) } });
  };
  const build = useMutation({ mutationFn: (folder: string) => client.bundles.build({ dir: folder }), onSuccess });
  const sample = useMutation({ mutationFn: () => client.bundles.buildSample(), onSuccess });
  const busy = build.isPending || sample.isPending;
  return (
    <Sheet title="Add a bundle" opened={opened} onClose={onClose}>
      <section className={styles.way}>
        <h3>The sample: handwritten digits</h3>
        <p className="dim">A small trained network that reads one digit, with its test set. Enough to walk the whole way from a model to a device.</p>
        <Button disabled={build.isPending} busy={sample.isPending && 'Checking and signing the sample'} onClick={() => sample.mutate()} data-autofocus>
          Add the sample
        </Button>
        {sample.isError && <ErrorPanel error={sample.error} title="The sample was not added." />}
      </section>
      <form
        className={styles.way}
        onSubmit={(event) => {
          event.preventDefault();
          if (dir.trim() !== '' && !busy) build.mutate(dir.trim());
        }}
      >
        <h3>From a folder</h3>
        <p className="dim">
          The folder holds <code>edgewright.yaml</code> with name, version and model, and the files it names. The model is checked, loaded and its golden set
          run before anything is stored.
        </p>
        <TextField
          label="Folder on this computer"
          mono
          placeholder="/home/me/models/digits"
          value={dir}
          onChange={(event) => setDir(event.currentTarget.value)}
        />
        <div className={styles.actions}>
          {desktop && (
            <Button onClick={() => void desktop.pickFolder().then((folder) => folder !== undefined && setDir(folder))} disabled={busy}>
              Choose a folder
            </Button>
          )}
          <Button type="submit" disabled={dir.trim() === '' || sample.isPending} busy={build.isPending && 'Checking, loading and signing'}>
            Build the bundle
          </Button>
        </div>
        {build.isError && <ErrorPanel error={build.error} title="Nothing was stored." />}
      </form>
      <ImportModel onDone={onClose} />
    </Sheet>
  );
}
