/** A file to take in: its path typed or chosen in the system's dialog, or in a browser the file itself, which is copied first. */
import { IconUpload, IconX } from '@tabler/icons-react';
import { bytes } from '../lib/format.ts';
import { pathOf, withPath } from '../lib/hand-over.ts';
import { plainName } from '../lib/plain-name.ts';
import { shell } from '../lib/shell.ts';
import { IconButton } from './button.tsx';
import { FileButton } from './file-button.tsx';
import styles from './file-source.module.css';
import { isWholePath, PathField } from './path-field.tsx';

/** Either a path, or files of which the first is meant and the others lie beside it. */
export interface Source {
  path: string;
  files: readonly File[];
}
export const NO_SOURCE: Source = { path: '', files: [] };

/** What a choice or a drop gives: paths where the window knows them. */
export function sourceOf(files: readonly File[]): Source {
  const [first] = files;
  const path = first && pathOf(first);
  return path === undefined ? { path: '', files } : { path, files: [] };
}

export function hasSource({ path, files }: Source): boolean {
  return files.length > 0 || isWholePath(path.trim());
}

/** The name of what was chosen, for rules that depend on how it ends. */
export function sourceName({ path, files }: Source): string {
  return files[0]?.name ?? path.trim();
}

/** Gives `work` a path of the engine's computer, copying what only the window has. */
export function withSource<Result>(
  source: Source,
  work: (path: string) => Promise<Result>,
  options: { signal: AbortSignal; onCopied: (share: number) => void },
): Promise<Result> {
  return source.files.length > 0 ? withPath(source.files, work, options) : work(source.path.trim());
}

interface Props {
  label: string;
  placeholder: string;
  /** Ends of names that the browser's dialog shows first. */
  accept?: string;
  /** Several files may be chosen: the first of these kinds is meant. */
  several?: boolean;
  value: Source;
  onChange: (source: Source) => void;
  disabled: boolean;
}

export function FileSource({ label, placeholder, accept, several = false, value, onChange, disabled }: Props) {
  const [first] = value.files;
  if (first) {
    const size = value.files.reduce((sum, file) => sum + file.size, 0);
    const rest = value.files.length - 1;
    return (
      <div className={styles.chosen}>
        <span className={styles.name} title={plainName(first.name)}>
          {plainName(first.name)}
        </span>
        <span className="dim">
          {rest > 0 ? `and ${rest} beside it, ` : ''}
          {bytes(size)}, copied into the workspace first
        </span>
        <IconButton label={`Do not take ${plainName(first.name)}`} icon={<IconX size={14} />} disabled={disabled} onClick={() => onChange(NO_SOURCE)} />
      </div>
    );
  }
  return (
    <div className={styles.source}>
      <PathField
        label={label}
        pick="file"
        placeholder={placeholder}
        value={value.path}
        disabled={disabled}
        onChange={(path) => onChange({ path, files: [] })}
      />
      {!shell() && (
        <div className={styles.choose}>
          <FileButton
            accept={accept}
            several={several}
            icon={<IconUpload size={14} aria-hidden />}
            disabled={disabled}
            onFiles={(files) => onChange(sourceOf(files))}
          >
            Choose a file
          </FileButton>
          <span className="dim small">or drop one on this screen</span>
        </div>
      )}
    </div>
  );
}
