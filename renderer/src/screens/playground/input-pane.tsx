import { IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type DragEvent, useRef, useState } from 'react';
import type { RawInput } from '#contract';
import { orpc, queryClient } from '../../lib/engine.ts';
import { bytes } from '../../lib/format.ts';
import { toBase64 } from '../../lib/hand-over.ts';
import { plainName } from '../../lib/plain-name.ts';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { FileButton } from '../../parts/file-button.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { DrawPad } from './draw-pad.tsx';
import { Examples } from './examples.tsx';
import styles from './playground.module.css';
import { PictureDrop } from './picture-drop.tsx';
import { Sound } from './sound.tsx';
import { type Rows, TablePad } from './table-pad.tsx';
import { parseRows, type Row, rowText } from './table-rows.ts';
import { TextPad } from './text-pad.tsx';

/** Largest file sent to the engine, in bytes; the contract takes 32 Mi characters of base64. */
const MAX_FILE_BYTES = 24_000_000;

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

/** Whether what the model reads can be drawn: single digits or letters. Anything else is a picture of something. */
function isDrawn(labels: readonly string[] | undefined): boolean {
  return labels !== undefined && labels.length > 0 && labels.every((label) => [...label].length === 1);
}

interface Props {
  bundleRef: string;
  /** Whether a model works on the input before. */
  running: boolean;
  /** The picture that was given, as an address. */
  picture: string | undefined;
  onInput: (input: RawInput | undefined) => void;
  onStop: () => void;
}

/** The input in its natural form: written, drawn, dropped, chosen, or one of the bundle's examples. */
export function InputPane({ bundleRef, running, picture, onInput, onStop }: Props) {
  const bundle = useQuery(orpc.bundles.show.queryOptions({ input: { ref: bundleRef } }));
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [source, setSource] = useState<string | undefined>();
  const asked = useRef(0);
  const [heard, setHeard] = useState<File | undefined>();
  const [loaded, setLoaded] = useState<(Rows & { time: number }) | undefined>();

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
      const table = bundle.data?.recipe?.table;
      const rows = table && parseRows(await file.text(), table);
      if (rows?.[0]) return load(rows, file.name);
      onInput({ kind: 'bytes', base64: await toBase64(file), name: file.name });
      setSource(file.name);
      setHeard(file);
    } catch (error) {
      setProblem(error);
    }
  };
  /** Rows go into the form, where they can be looked at and changed, and the first one is run. */
  const load = (rows: readonly Row[], from: string): void => {
    const table = bundle.data?.recipe?.table;
    if (!table) return;
    setLoaded((before) => ({ rows, from, time: (before?.time ?? 0) + 1 }));
    setSource(from);
    if (table.rows === 'samples') onInput({ kind: 'text', text: rowText(table.columns, rows[0] ?? []) });
  };
  const choose = async (name: string): Promise<void> => {
    const mine = (asked.current += 1);
    setProblem(undefined);
    setSource(name);
    setHeard(undefined);
    const recipe = bundle.data?.recipe;
    const isForm = recipe?.table?.rows === 'samples';
    if (!isForm) onInput({ kind: 'example', name });
    if (!recipe?.table && recipe?.kind !== 'audio') return;
    try {
      const { base64 } = await queryClient.fetchQuery(orpc.inference.example.queryOptions({ input: { ref: bundleRef, name } }));
      // Another one was chosen meanwhile.
      if (mine !== asked.current) return;
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      if (recipe.kind === 'audio') return setHeard(new File([bytes], name));
      const rows = recipe.table && parseRows(new TextDecoder().decode(bytes), recipe.table);
      if (rows?.[0]) load(rows, name);
      else if (isForm) onInput({ kind: 'example', name });
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
            {data.recipe?.kind === 'image' && !isDrawn(data.labels) && <PictureDrop picture={picture} name={source} />}
            {data.recipe?.kind === 'image' && isDrawn(data.labels) && (
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
            {data.recipe?.table && (
              <TablePad
                key={loaded?.time}
                table={data.recipe.table}
                loaded={loaded}
                onText={(text, what) => {
                  setProblem(undefined);
                  setSource(what);
                  onInput({ kind: 'text', text });
                }}
              />
            )}
            {heard && data.recipe?.kind === 'audio' && <Sound bytes={heard} name={heard.name} />}
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
              <FileButton
                accept={`${fileOf(data.recipe?.kind).accept}.npz,.npy`}
                icon={<IconUpload size={14} aria-hidden />}
                onFiles={([file]) => void take(file)}
              >
                Choose {fileOf(data.recipe?.kind).name}
              </FileButton>
              <span className="dim small">or drop one here{source === undefined ? '' : `. Shown: ${plainName(source)}`}</span>
            </div>
            {problem !== undefined && <ErrorPanel error={problem} />}
            {data.examples.length > 0 && <Examples bundleRef={bundleRef} names={data.examples} chosen={source} onChoose={(name) => void choose(name)} />}
          </>
        )}
      </QueryView>
    </section>
  );
}
