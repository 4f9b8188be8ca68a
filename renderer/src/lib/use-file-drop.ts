/** Files dropped anywhere on the window while this is shown, and whether some hang over it. */
import { useEffect, useEffectEvent, useState } from 'react';
import { isFolder } from './hand-over.ts';

interface Dropped {
  files: File[];
  /** The first of them is a folder. */
  folder: boolean;
}

const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') === true;

/** @returns whether files hang over the window */
export function useFileDrop(onDrop: (dropped: Dropped) => void): boolean {
  const [over, setOver] = useState(false);
  const dropped = useEffectEvent(onDrop);
  useEffect(() => {
    const enter = (event: DragEvent): void => {
      if (hasFiles(event)) setOver(true);
    };
    // Only leaving the window has nothing that is entered.
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      setOver(false);
      const { dataTransfer } = event;
      // What a field within the window took for itself is not dropped here.
      if (event.defaultPrevented || !dataTransfer || dataTransfer.files.length === 0) return;
      event.preventDefault();
      dropped({ files: [...dataTransfer.files], folder: isFolder(dataTransfer.items[0]) });
    };
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    // On the document: after every field within it, and before the window's own answer (holdDrops).
    document.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      document.removeEventListener('drop', drop);
    };
  }, []);
  return over;
}

/** A file dropped where nothing takes it would otherwise be opened in place of the screens. Never taken back. */
export function holdDrops(): void {
  for (const kind of ['dragover', 'drop'] as const) {
    window.addEventListener(kind, (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
  }
}
