import { IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type DragEvent, useRef, useState } from 'react';
import type { RawInput } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { bytes } from '../../lib/format.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { DrawPad } from './draw-pad.tsx';
import { Examples } from './examples.tsx';
import styles from './playground.module.css';
import { TextPad } from './text-pad.tsx';

/** Largest file sent to the engine, in bytes; the contract takes 32 Mi characters of base64. */
const MAX_FILE_BYTES = 24_000_000;

/** A file's bytes as base64, without the prefix of a data URL. */
function toBase64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(typeof reader.result === 'string' ? (reader.result.split(',')[1] ?? '') : '');
    reader.onerror = () => reject(reader.error ?? new Error('The file could not be read.'));
    reader.readAsDataURL(file);
  });
}

const NPZ = { accept: '', name: 'an .npz file' };
/** What files of each kind of input are called. */
const FILES: Record<string, { accept: string; name: string }> = {
  image: { accept: 'image/png,image/jpeg,', name: 'an image' },
  audio: { accept: 'audio/wav,.wav,', name: 'a recording' },
  table: { accept: 'text/csv,.csv,', name: 'a table' },
  text: { accept: 'text/plain,.txt,', name: 'a text file' },
};

function fileOf(kind: string | undefined): { accept: string; name: string } {
  return FILES[kind ?? ''] ?? NPZ;
}

interface Props {
  bundleRef: string;
  /** Whether a model works on the input before. */
  running: boolean;
  onInput: (input: RawInput | undefined) => void;
  onStop: () => void;
}

/** The input in its natural form: written, drawn, dropped, chosen, or one of the bundle's examples. */
export function InputPane({ bundleRef, running, onInput, onStop }: Props) {
  const bundle = useQuery(orpc.bundles.show.queryOptions({ input: { ref: bundleRef } }));
  const chooser = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [source, setSource] = useState<string | undefined>();

  const take = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    setProblem(undefined);
    if (file.size > MAX_FILE_BYTES) {
      setProblem({
        code: 'input.too-large',
        message: `${file.name} is too large to send.`,
        expected: `at most ${bytes(MAX_FILE_BYTES)}`,
        found: bytes(file.size),
        hint: 'Make the image smaller, or use the command line: edgewright run.',
        owner: 'input',
      });
      return;
    }
    try {
      onInput({ kind: 'bytes', base64: await toBase64(file), name: file.name });
      setSource(file.name);
    } catch (error) {
      setProblem(error);
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };

  return (
    <section
      className={over ? `${styles.input} ${styles.over}` : styles.input}
      aria-label="Input"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <QueryView query={bundle} what="Reading the bundle">
        {(data) => (
          <>
            {data.recipe?.kind === 'image' && (
              <DrawPad
                onDrawn={(base64) => {
                  setProblem(undefined);
                  setSource('the drawing');
                  onInput({ kind: 'bytes', base64, name: 'drawing.png' });
                }}
                onCleared={() => {
                  setSource(undefined);
                  onInput(undefined);
                }}
              />
            )}
            {data.recipe?.kind === 'text' && (
              <TextPad
                hint={data.recipe.steps[0] ?? 'text'}
                running={running}
                onText={(text) => {
                  setProblem(undefined);
                  setSource('the text above');
                  onInput({ kind: 'text', text });
                }}
                onStop={onStop}
              />
            )}
            <div className={styles.file}>
              <input
                ref={chooser}
                type="file"
                hidden
                accept={`${fileOf(data.recipe?.kind).accept}.npz,.npy`}
                onChange={(event) => void take(event.currentTarget.files?.[0])}
              />
              <Button icon={<IconUpload size={14} aria-hidden />} onClick={() => chooser.current?.click()}>
                Choose {fileOf(data.recipe?.kind).name}
              </Button>
              <span className="dim small">or drop one here{source === undefined ? '' : `. Shown: ${source}`}</span>
            </div>
            {problem !== undefined && <ErrorPanel error={problem} />}
            {data.examples.length > 0 && (
              <Examples
                bundleRef={bundleRef}
                names={data.examples}
                chosen={source}
                onChoose={(name) => {
                  setProblem(undefined);
                  setSource(name);
                  onInput({ kind: 'example', name });
                }}
              />
            )}
          </>
        )}
      </QueryView>
    </section>
  );
}
