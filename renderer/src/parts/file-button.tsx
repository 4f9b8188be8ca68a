import { type ButtonHTMLAttributes, type ReactNode, useRef } from 'react';
import { Button } from './button.tsx';

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** Ends of names that the dialog shows first. */
  accept: string | undefined;
  several?: boolean;
  icon?: ReactNode;
  /** At least one file: nothing is called when the person thinks better of it. */
  onFiles: (files: [File, ...File[]]) => void;
}

/** Opens the browser's dialog for files; the same file can be chosen twice in a row. */
export function FileButton({ accept, several = false, onFiles, ...button }: Props) {
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={chooser}
        type="file"
        hidden
        accept={accept}
        multiple={several}
        onChange={({ currentTarget }) => {
          const [first, ...rest] = currentTarget.files ?? [];
          currentTarget.value = '';
          if (first) onFiles([first, ...rest]);
        }}
      />
      <Button {...button} onClick={() => chooser.current?.click()} />
    </>
  );
}
