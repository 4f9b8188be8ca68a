/** A model file as it came: looked into, or taken in as a bundle; a framework's own file is converted first. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { asEdgewrightError, EdgewrightError, type Job } from '#contract';
import { client } from '../../lib/engine.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button } from '../../parts/button.tsx';
import { Check, TextField } from '../../parts/field.tsx';
import { FileSource, hasSource, type Source, sourceName, withSource } from '../../parts/file-source.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { CopyingLine } from './bundle-file-way.tsx';
import styles from './bundles.module.css';

/** The model among files that were dropped together: weights lie beside it. */
function modelFirst(source: Source): Source {
  const isModel = (file: File): boolean => /\.onnx$/i.test(file.name);
  return { ...source, files: source.files.toSorted((a, b) => Number(isModel(b)) - Number(isModel(a))) };
}

export function ImportModel({ dropped, onClose }: { dropped: Source; onClose: () => void }) {
  const navigate = useNavigate();
  const [source, setSource] = useState(() => modelFirst(dropped));
  const [trusted, setTrusted] = useState(false);
  const [name, setName] = useState('');
  const [version, setVersion] = useState('');
  const [job, setJob] = useState<Job>();
  const [copied, setCopied] = useState<number>();
  const abort = useRef<AbortController>(undefined);
  const take = useMutation({
    mutationFn: async () => {
      const { signal } = (abort.current = new AbortController());
      return withSource(source, (path) => follow(path, signal), { signal, onCopied: setCopied });
    },
    onSuccess: ({ ref, ended }) => {
      notifications.show({
        title: `${ref} is in the workspace`,
        message: ended?.warnings?.map((warning) => plainName(warning.message)).join(' ') ?? 'Checked, stored and signed.',
      });
      void navigate({ to: '/bundles/$ref', params: { ref } });
    },
    onSettled: () => {
      setJob(undefined);
      setCopied(undefined);
    },
  });
  /** The job is the engine's: what only this window has is taken away when it ends. */
  async function follow(path: string, signal: AbortSignal): Promise<{ ref: string; ended: Job | undefined }> {
    setCopied(undefined);
    const called = { ...(name.trim() !== '' && { name: name.trim() }), ...(version.trim() !== '' && { version: version.trim() }) };
    const started = await client.bundles.import({ path, trustSource: trusted, ...called }, { signal });
    let ended: Job | undefined;
    for await (const now of await client.jobs.watch({ id: started.jobId })) {
      ended = now;
      setJob(now);
    }
    if (ended?.error) throw new EdgewrightError(ended.error);
    return { ref: started.ref, ended };
  }
  const change = (next: Source): void => {
    setSource(modelFirst(next));
    setTrusted(false);
    take.reset();
  };
  const file = sourceName(source);
  const isOnnx = /\.onnx$/i.test(file);
  const ready = hasSource(source) && (isOnnx || trusted);
  const cancelled = take.isError && (abort.current?.signal.aborted === true || asEdgewrightError(take.error).owner === 'cancelled');
  const call = {
    running: take.isPending,
    job,
    error: cancelled ? undefined : (take.error ?? undefined),
    cancelled,
    cancel: () => (job ? void client.jobs.cancel({ id: job.id }) : abort.current?.abort()),
  };
  return (
    <form
      className={styles.way}
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !take.isPending) take.mutate();
      }}
    >
      <h3>A model file</h3>
      <p className="dim">
        ONNX as it is. Files of PyTorch (.pt2), Keras, TensorFlow, TFLite, scikit-learn, LightGBM and XGBoost are converted by their own exporters, which needs
        uv and, the first time, a network.
      </p>
      <FileSource label="File on this computer" placeholder="/home/me/models/pump.onnx" several value={source} disabled={take.isPending} onChange={change} />
      {file !== '' && !isOnnx && (
        <Check
          label="I trust whoever made this file"
          note="Such files can carry code. It runs in a sandbox without network, home or workspace."
          checked={trusted}
          disabled={take.isPending}
          onChange={(event) => setTrusted(event.currentTarget.checked)}
        />
      )}
      <div className={styles.called}>
        <TextField
          label="Name"
          placeholder="from the file"
          value={name}
          disabled={take.isPending}
          onChange={(event) => {
            setName(event.currentTarget.value);
            take.reset();
          }}
        />
        <TextField
          label="Version"
          placeholder="1.0.0"
          value={version}
          disabled={take.isPending}
          onChange={(event) => {
            setVersion(event.currentTarget.value);
            take.reset();
          }}
        />
      </div>
      <div className={styles.actions}>
        <Button kind="primary" type="submit" disabled={!ready} busy={take.isPending && 'Importing'}>
          Import the model
        </Button>
        {isOnnx && source.files.length === 0 && (
          <Button
            disabled={take.isPending}
            onClick={() => {
              onClose();
              void navigate({ to: '/bundles/model', search: { ref: file } });
            }}
          >
            Look into it
          </Button>
        )}
      </div>
      {copied === undefined ? (
        <JobLine label="Import" call={call} failed="Nothing was stored." stopped="Nothing was stored." />
      ) : (
        <CopyingLine share={copied} onCancel={() => abort.current?.abort()} />
      )}
    </form>
  );
}
