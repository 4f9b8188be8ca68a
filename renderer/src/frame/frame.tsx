/** The whole window: rail, screen, status bar; and what stands in its place while there is no engine to talk to. */
import { useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { orpc, useConnection } from '../lib/engine.ts';
import { Loading } from '../parts/placeholder.tsx';
import { CommandPalette } from './command-palette.tsx';
import styles from './frame.module.css';
import { NoToken } from './no-token.tsx';
import { Rail } from './rail.tsx';
import { StatusBar } from './status-bar.tsx';

export function Frame(): ReactNode {
  const { phase, generation } = useConnection();
  useAppearance();
  useFocusOnNavigation();
  if (phase === 'refused') return <NoToken refused />;
  if (generation === 0) {
    return (
      <main className={styles.waiting}>
        <Loading what="Connecting to the engine" />
      </main>
    );
  }
  return (
    <div className={styles.frame}>
      <a
        className={styles.skip}
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('content')?.focus();
        }}
      >
        Skip to the content
      </a>
      <Rail />
      <div className={styles.screen}>
        <Outlet />
      </div>
      <StatusBar />
      <CommandPalette />
    </div>
  );
}

/** Scheme and density as the workspace's settings say. */
function useAppearance(): void {
  const settings = useQuery(orpc.system.settings.queryOptions()).data;
  const { setColorScheme } = useMantineColorScheme();
  const scheme = settings?.scheme;
  const density = settings?.density;
  useEffect(() => {
    if (scheme !== undefined) setColorScheme(scheme === 'system' ? 'auto' : scheme);
  }, [scheme, setColorScheme]);
  useEffect(() => {
    if (density !== undefined) document.documentElement.dataset['density'] = density;
  }, [density]);
}

/** After a change of screen the focus is on its content, not lost with the link that was pressed. */
function useFocusOnNavigation(): void {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (path === undefined || path === before.current) return;
    const first = before.current === undefined;
    before.current = path;
    // The rail keeps the focus: someone walks through it with the keyboard.
    if (!first && !document.activeElement?.closest('nav[aria-label="Screens"]')) document.getElementById('content')?.focus({ preventScroll: true });
  }, [path]);
}
