/** A model file as it came: looked into, or taken in as a bundle; a framework's own file is converted first. */
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { EdgewrightError, type Job } from '#contract';
import { client } from '../../lib/engine.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button } from '../../parts/button.tsx';
import { Check, TextField } from '../../parts/field.tsx';
import { FileSource, hasSource, type Source, sourceName } from '../../parts/file-source.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { useSourceCall } from '../../parts/use-source-call.ts';
import styles from './bundles.module.css';

/** The model among files that were dropped together: weights lie beside it. */
function modelFirst(source: Source): Source {
  const isModel = (file: File): boolean => /\.onnx$/i.test(file.name);
  return { ...source, files: source.files.toSorted((a, b) => Number(isModel(b)) - Number(isModel(a))) };
}

interface Props {
  dropped: Source;
  onDone: (ref: string, message: string) => void;
  onClose: () => void;
}

export function ImportModel({ dropped, onDone, onClose }: Props) {
  const navigate = useNavigate();
  const [source, setSource] = useState(() => modelFirst(dropped));
  const [trusted, setTrusted] = useState(false);
  const [name, setName] = useState('');
  const [version, setVersion] = useState('');
  const take = useSourceCall({
    call: async (path, jobId, signal) => {
      const called = { ...(name.trim() !== '' && { name: name.trim() }), ...(version.trim() !== '' && { version: version.trim() }) };
      const { ref } = await client.bundles.import({ path, trustSource: trusted, jobId, ...called });
      // Stopped before this window heard of the job, which goes on by itself.
      const stop = (): void => void client.jobs.cancel({ id: jobId }).catch(() => {});
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop);
      let ended: Job | undefined;
      for await (const now of await client.jobs.watch({ id: jobId })) ended = now;
      if (ended?.error) throw new EdgewrightError(ended.error);
      return { ref, notes: ended?.warnings ?? [] };
    },
    onSuccess: ({ ref, notes }) => onDone(ref, notes.map((note) => plainName(note.message)).join(' ') || 'Checked, stored and signed.'),
  });
  const change = (next: Source): void => {
    setSource(modelFirst(next));
    setTrusted(false);
    take.reset();
  };
  const file = sourceName(source);
  const isOnnx = /\.onnx$/i.test(file);
  const ready = hasSource(source) && (isOnnx || trusted);
  return (
    <form
      className={styles.way}
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !take.running) take.begin(source);
      }}
    >
      <h3>A model file</h3>
      <p className="dim">
        ONNX as it is. Files of PyTorch (.pt2), Keras, TensorFlow, TFLite, scikit-learn, LightGBM and XGBoost are converted by their own exporters, which needs
        uv and, the first time, a network.
      </p>
      <FileSource label="File on this computer" placeholder="/home/me/models/pump.onnx" several value={source} disabled={take.running} onChange={change} />
      {file !== '' && !isOnnx && (
        <Check
          label="I trust whoever made this file"
          note="Such files can carry code. It runs in a sandbox without network, home or workspace."
          checked={trusted}
          disabled={take.running}
          onChange={(event) => setTrusted(event.currentTarget.checked)}
        />
      )}
      <div className={styles.called}>
        <TextField
          label="Name"
          placeholder="from the file"
          value={name}
          disabled={take.running}
          onChange={(event) => {
            setName(event.currentTarget.value);
            take.reset();
          }}
        />
        <TextField
          label="Version"
          placeholder="1.0.0"
          value={version}
          disabled={take.running}
          onChange={(event) => {
            setVersion(event.currentTarget.value);
            take.reset();
          }}
        />
      </div>
      <div className={styles.actions}>
        <Button kind="primary" type="submit" disabled={!ready} busy={take.running && 'Importing'}>
          Import the model
        </Button>
        {isOnnx && source.files.length === 0 && (
          <Button
            disabled={take.running}
            onClick={() => {
              onClose();
              void navigate({ to: '/bundles/model', search: { ref: file } });
            }}
          >
            Look into it
          </Button>
        )}
      </div>
      <JobLine label="Import" call={take} failed="Nothing was stored." stopped="Nothing was stored." />
    </form>
  );
}
