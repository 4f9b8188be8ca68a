/** A place on this computer: typed, or in the desktop window chosen in the system's dialog. */
import { useState } from 'react';
import { shell } from '../lib/shell.ts';
import { Button } from './button.tsx';
import { TextField } from './field.tsx';
import styles from './path-field.module.css';

interface Props {
  label: string;
  /** What is chosen: a file or folder that is there, or a file to be written under this name. */
  pick: 'file' | 'folder' | { save: string };
  value: string;
  onChange: (path: string) => void;
  placeholder: string;
  hint?: string;
  disabled?: boolean;
}

/** Whether a path says where it begins: what the engine would make of another one depends on where it was started. */
export function isWholePath(path: string): boolean {
  return /^(?:\/|[A-Za-z]:[\\/]|\\\\)/.test(path);
}

export function PathField({ label, pick, value, onChange, placeholder, hint, disabled = false }: Props) {
  const desktop = shell();
  const [left, setLeft] = useState(false);
  const choose = async (): Promise<void> => {
    const chosen = await (pick === 'file' ? desktop?.pickFile() : pick === 'folder' ? desktop?.pickFolder() : desktop?.pickSave(pick.save));
    if (chosen !== undefined) onChange(chosen);
  };
  const wrong = left && value.trim() !== '' && !isWholePath(value.trim());
  return (
    <div className={desktop ? `${styles.path} ${styles.withButton}` : styles.path}>
      <TextField
        label={label}
        mono
        placeholder={placeholder}
        value={value}
        disabled={disabled}
        problem={wrong ? 'The whole path, from the root of the disk' : undefined}
        {...(hint !== undefined && { hint })}
        onChange={(event) => onChange(event.currentTarget.value)}
        onBlur={() => setLeft(true)}
        onFocus={() => setLeft(false)}
      />
      {desktop && (
        <Button onClick={() => void choose()} disabled={disabled}>
          Choose…
        </Button>
      )}
    </div>
  );
}
