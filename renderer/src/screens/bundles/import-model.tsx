/** A model file as it came: looked into, or taken in as a bundle; a framework's own file is converted first. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { EdgewrightError, type Job } from '#contract';
import { client } from '../../lib/engine.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Check, TextField } from '../../parts/field.tsx';
import { ProgressLine } from '../../parts/progress-line.tsx';
import styles from './bundles.module.css';

export function ImportModel({ onDone }: { onDone: () => void }) {
  const navigate = useNavigate();
  const [path, setPath] = useState('');
  const [trusted, setTrusted] = useState(false);
  const [job, setJob] = useState<Job>();
  const file = path.trim();
  const take = useMutation({
    mutationFn: async () => {
      const started = await client.bundles.import({ path: file, trustSource: trusted });
      for await (const now of await client.jobs.watch({ id: started.jobId })) {
        setJob(now);
        if (now.error) throw new EdgewrightError(now.error);
      }
      return started.ref;
    },
    onSuccess: (ref) => {
      onDone();
      notifications.show({
        title: `${ref} is in the workspace`,
        message: job?.warnings?.map((warning) => plainName(warning.message)).join(' ') ?? 'Checked, stored and signed.',
      });
      void navigate({ to: '/bundles/$ref', params: { ref } });
    },
    onSettled: () => setJob(undefined),
  });
  const isOnnx = /\.onnx$/i.test(file);
  return (
    <form
      className={styles.way}
      onSubmit={(event) => {
        event.preventDefault();
        if (file !== '' && !take.isPending) take.mutate();
      }}
    >
      <h3>A model file</h3>
      <p className="dim">
        ONNX as it is. Files of PyTorch (.pt2), Keras, TensorFlow, TFLite, scikit-learn, LightGBM and XGBoost are converted by their own exporters, which needs
        uv and, the first time, a network.
      </p>
      <TextField
        label="File on this computer"
        mono
        placeholder="/home/me/models/pump.onnx"
        value={path}
        onChange={(event) => setPath(event.currentTarget.value)}
      />
      {file !== '' && !isOnnx && (
        <Check
          label="I trust whoever made this file"
          note="Such files can carry code. It runs in a sandbox without network, home or workspace."
          checked={trusted}
          onChange={(event) => setTrusted(event.currentTarget.checked)}
        />
      )}
      {job && <ProgressLine label="Import" step={job.step ?? job.title} fraction={job.progress} />}
      <div className={styles.actions}>
        {isOnnx && (
          <Button
            disabled={take.isPending}
            onClick={() => {
              onDone();
              void navigate({ to: '/bundles/model', search: { ref: file } });
            }}
          >
            Look into it
          </Button>
        )}
        <Button type="submit" disabled={file === '' || (!isOnnx && !trusted)} busy={take.isPending && 'Importing'}>
          Import the model
        </Button>
        {job && <Button onClick={() => void client.jobs.cancel({ id: job.id })}>Cancel</Button>}
      </div>
      {take.isError && <ErrorPanel error={take.error} title="Nothing was stored." />}
    </form>
  );
}
