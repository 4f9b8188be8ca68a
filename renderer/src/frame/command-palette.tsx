/** Ctrl+K: go anywhere by typing a few letters. */
import { Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { orpc } from '../lib/engine.ts';
import styles from './command-palette.module.css';
import { SCREENS } from './rail.tsx';

/** Most entries shown at once. */
const SHOWN = 12;

interface Entry {
  path: string;
  label: string;
  kind: string;
}

export function CommandPalette() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      setOpen((before) => !before);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <Modal.Root
      opened={open}
      onClose={() => setOpen(false)}
      size={520}
      yOffset="12vh"
      lockScroll={false}
      transitionProps={{ duration: 100, transition: 'fade' }}
    >
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Title className="visually-hidden">Go to</Modal.Title>
        <Palette close={() => setOpen(false)} />
      </Modal.Content>
    </Modal.Root>
  );
}

function useEntries(): Entry[] {
  const bundles = useQuery(orpc.bundles.list.queryOptions()).data ?? [];
  const devices = useQuery(orpc.devices.list.queryOptions()).data ?? [];
  const trials = useQuery(orpc.trials.list.queryOptions()).data ?? [];
  return [
    ...SCREENS.map(({ to, label }) => ({ path: to, label, kind: 'Screen' })),
    { path: '/deployments/new', label: 'Deploy a bundle', kind: 'Action' },
    { path: '/trials?new=1', label: 'Set up a trial', kind: 'Action' },
    ...bundles.map((bundle) => ({
      path: `/bundles/${encodeURIComponent(`${bundle.name}@${bundle.version}`)}`,
      label: `${bundle.name}@${bundle.version}`,
      kind: 'Bundle',
    })),
    ...devices.map((device) => ({ path: `/devices/${encodeURIComponent(device.name)}`, label: device.name, kind: 'Device' })),
    ...trials.map((trial) => ({ path: `/trials/${encodeURIComponent(trial.id)}`, label: `${trial.ref}, ${trial.id}`, kind: 'Trial' })),
  ];
}

function Palette({ close }: { close: () => void }) {
  const router = useRouter();
  const entries = useEntries();
  const listId = useId();
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter((entry) => words.every((word) => `${entry.label} ${entry.kind}`.toLowerCase().includes(word))).slice(0, SHOWN);
  const active = Math.min(chosen, found.length - 1);
  const go = (entry: Entry | undefined): void => {
    if (!entry) return;
    close();
    router.history.push(entry.path);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setChosen(Math.min(active + 1, found.length - 1));
    else if (event.key === 'ArrowUp') setChosen(Math.max(active - 1, 0));
    else if (event.key === 'Enter') go(found[active]);
    else return;
    event.preventDefault();
  };
  return (
    <div className={styles.palette}>
      <input
        type="text"
        role="combobox"
        aria-label="Go to a screen, bundle, device or trial"
        aria-expanded
        aria-controls={listId}
        aria-activedescendant={found[active] && `${listId}-${active}`}
        placeholder="Go to a screen, bundle, device or trial"
        data-autofocus
        spellCheck={false}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={listId} role="listbox" aria-label="Places" className={styles.list}>
        {found.map((entry, index) => (
          <div
            key={`${entry.kind} ${entry.path}`}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            className={styles.entry}
            onClick={() => go(entry)}
            onMouseMove={() => setChosen(index)}
          >
            <span>{entry.label}</span>
            <span className={styles.kind}>{entry.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className={styles.none}>Nothing is called that.</p>}
    </div>
  );
}
