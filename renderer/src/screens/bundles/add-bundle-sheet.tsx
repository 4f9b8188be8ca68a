/** The ways in, one at a time: the sample, a model file, a folder, a bundle in one file, a registry. */
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import type { BundleSummary } from '#contract';
import { refOf } from '../../lib/refs.ts';
import type { Source } from '../../parts/file-source.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { BundleFileWay } from './bundle-file-way.tsx';
import { FolderWay, SampleWay } from './build-ways.tsx';
import { ImportModel } from './import-model.tsx';
import { RegistryWay } from './registry-way.tsx';
import { standingOf } from './standing.ts';

export const WAYS = [
  { value: 'sample', label: 'Sample' },
  { value: 'model', label: 'Model file' },
  { value: 'folder', label: 'Folder' },
  { value: 'file', label: 'Bundle file' },
  { value: 'registry', label: 'Registry' },
] as const;
export type Way = (typeof WAYS)[number]['value'];

export function isWay(value: string | undefined): value is Way {
  return WAYS.some((way) => way.value === value);
}

interface Props {
  /** Undefined while it is closed. */
  way: Way | undefined;
  /** What was dropped, for the way it fits. */
  dropped: Source;
  onWay: (way: Way) => void;
  onClose: () => void;
}

export function AddBundleSheet({ way, dropped, onWay, onClose }: Props) {
  const navigate = useNavigate();
  // The panel keeps its content while it closes.
  const [last, setLast] = useState<Way>('sample');
  if (way !== undefined && way !== last) setLast(way);
  // Whoever closed the panel or went elsewhere is told, and not taken along.
  const open = useRef(false);
  useEffect(() => {
    open.current = way !== undefined;
    return () => {
      open.current = false;
    };
  }, [way]);
  const arrived = (ref: string, message: string): void => {
    notifications.show({ title: `${ref} is in the workspace`, message });
    if (open.current) void navigate({ to: '/bundles/$ref', params: { ref } });
  };
  const done = (bundle: BundleSummary): void => {
    const standing = standingOf(bundle);
    arrived(refOf(bundle), standing === undefined ? 'Checked, run and verified: it can be used.' : `${standing.title}. Its page says what can be done.`);
  };
  return (
    <Sheet title="Add a bundle" opened={way !== undefined} onClose={onClose} size={560}>
      <Tabs autoFocus label="From" options={WAYS} value={last} onChange={onWay} />
      {last === 'sample' && <SampleWay onDone={done} />}
      {last === 'model' && <ImportModel dropped={dropped} onDone={arrived} onClose={onClose} />}
      {last === 'folder' && <FolderWay dropped={dropped} onDone={done} />}
      {last === 'file' && <BundleFileWay dropped={dropped} onDone={done} />}
      {last === 'registry' && <RegistryWay onDone={done} />}
    </Sheet>
  );
}
