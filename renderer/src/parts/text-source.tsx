/** A short file as text: chosen, dropped or pasted. Nothing of it is sent before it is given. */
import { type DragEvent, type ReactNode, useState } from 'react';
import { TextArea } from './field.tsx';
import { FileButton } from './file-button.tsx';
import styles from './text-source.module.css';

interface Props {
  label: string;
  /** What is expected, and where it comes from. */
  children: ReactNode;
  placeholder: string;
  /** Ends of names that the dialog shows first. */
  accept: string;
  /** Most characters that are read of a file. */
  most: number;
  value: string;
  onGive: (text: string) => void;
}

export function TextSource({ label, children, placeholder, accept, most, value, onGive }: Props) {
  const [over, setOver] = useState(false);
  const take = async (file: File | undefined): Promise<void> => {
    // What is too long is refused by whoever reads it: enough of it is handed over for that.
    if (file) onGive(await file.slice(0, most).text());
  };
  return (
    <div
      className={over ? `${styles.drop} ${styles.over}` : styles.drop}
      onDragOver={(event: DragEvent) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event: DragEvent) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer.files[0]);
      }}
    >
      <p className="dim">{children}</p>
      <div className={styles.file}>
        <FileButton accept={accept} onFiles={([file]) => void take(file)} data-autofocus>
          Choose a file
        </FileButton>
        <span className="dim small">or drop one here, or paste it below</span>
      </div>
      <TextArea
        label={label}
        mono
        rows={5}
        placeholder={placeholder}
        value={value}
        spellCheck={false}
        onChange={(event) => onGive(event.currentTarget.value)}
      />
    </div>
  );
}
